using System.CommandLine;
using System.Globalization;
using DeepEdu.Devices;
using DeepEdu.Education.Data;
using DeepEdu.Education.Models;
using DeepEdu.Education.Search;

namespace DeepEdu.Education.Cli;

/// <summary>The options of commands that run tasks, and how what was typed becomes <see cref="RunOptions"/>.</summary>
internal sealed class RunFlags
{
    private readonly Option<string?> _data = Named(new Option<string?>("--data") { Description = "Real data: a folder; of answer a file, of trace, diagnose and generate either. Without it the embedded data are used.", HelpName = "PATH" });
    private readonly Option<int?> _epochs = AtLeastOne(new Option<int?>("--epochs") { Description = "Passes over the training data.", HelpName = "N" });
    private readonly Option<int?> _batch = AtLeastOne(new Option<int?>("--batch") { Description = "Examples per step.", HelpName = "N" });
    private readonly Option<ulong> _seed = new("--seed") { Description = "Seed of every random draw.", HelpName = "S", DefaultValueFactory = _ => 1 };
    private readonly Option<int> _seeds = AtLeastOne(new Option<int>("--seeds") { Description = "Runs with so many seeds, from --seed on, and tells mean and standard deviation; each keeps its own folder seed-S in --out.", HelpName = "N", DefaultValueFactory = _ => 1 });
    private readonly Option<string[]> _floors = Floors(new Option<string[]>("--assert") { Description = "What a metric must reach, such as \"auc>=0.75\", \"rmse<=2\" or \"trace.auc>=0.75\"; of several seeds the mean. The run ends with exit code 4 where it does not. May be given several times.", HelpName = "METRIC>=VALUE" });
    private readonly Option<int?> _threads = AtLeastOne(new Option<int?>("--threads") { Description = "Threads to use; results do not depend on it.", HelpName = "T" });
    private readonly Option<string> _device = DeviceOption.Create();
    private readonly Option<string?> _out = Named(new Option<string?>("--out") { Description = "Folder for report.html, and for checkpoints and the trained model of each task; unless given, only the report, in the current folder.", HelpName = "DIR" });
    private readonly Option<bool> _resume = new("--resume") { Description = "Goes on with the run in --out, to the same numbers as if it had not been interrupted; give the same options as then." };
    private readonly Option<string?> _json = Named(new Option<string?>("--json") { Description = "File for the results as JSON.", HelpName = "FILE" });
    private readonly Option<bool> _quick = new("--quick") { Description = "A short run to see that everything works." };

    private readonly Option<double?> _epsilon = Above(0, double.PositiveInfinity, new Option<double?>("--epsilon") { Description = "Trains privately (trace, behaviour): whether one learner is among those learned from changes the chance of any trained model by at most the factor e^E. 8 is weak, 1 strong.", HelpName = "E" });
    private readonly Option<double?> _delta = Above(0, 1, new Option<double?>("--delta") { Description = "Of --epsilon: the chance that it does not hold; 1/(n ln n) of n learners unless given.", HelpName = "D" });
    private readonly Option<double?> _clip = Above(0, double.PositiveInfinity, new Option<double?>("--clip") { Description = "Of --epsilon: the longest that one learner's gradient may be; of trace 0.1, of behaviour 3 unless given.", HelpName = "C" });
    private readonly Option<ulong?> _noiseSeed = new("--noise-seed") { Description = "Of --epsilon: draws the noise from a seed, so that a study can be repeated. Who knows it can take the noise off; unless given, nobody does.", HelpName = "S" };

    private readonly Option<int?> _search = AtLeastOne(new Option<int?>("--search") { Description = "Tries so many settings of the options in --over, chosen by validation data alone, and runs with the best.", HelpName = "N" });
    private readonly Option<string[]> _over = new("--over") { Description = "Of --search: what is tried, such as lr=1e-4..1e-1:log hidden=32,64,128 dropout=0..0.5: a range, one in its logarithm, or values.", HelpName = "NAME=VALUES", AllowMultipleArgumentsPerToken = true };
    private readonly Option<string?> _by = Among(new Option<string?>("--by") { Description = "Of --search: random trains each trial in full; halving trains all a little, the best third three times as long, and so on; hyperband halves in brackets that begin ever longer. random unless given.", HelpName = "HOW" }, SearchAsked.Ways);

    /// <summary>Of the commands that train one kind of network: the rate, and what is searched.</summary>
    public Option[] Searched => [LearningRate, _search, _over, _by];

    public Option<double?> LearningRate { get; } = Above(0, double.PositiveInfinity, new Option<double?>("--lr") { Description = "The highest rate of learning; the command's own unless given.", HelpName = "RATE" });

    public Option<int?> Hidden { get; } = AtLeastOne(new Option<int?>("--hidden") { Description = "Units of the network; the command's own unless given.", HelpName = "N" });

    public Option<double?> Dropout { get; } = Real(new Option<double?>("--dropout") { Description = "The share of values left out while learning, from 0 to below 1; the command's own unless given.", HelpName = "P" }, x => x is >= 0 and < 1, "from 0 to below 1");

    public Option<double?> WeightDecay { get; } = Real(new Option<double?>("--weight-decay") { Description = "Decoupled weight decay; the command's own unless given.", HelpName = "X" }, x => x >= 0 && double.IsFinite(x), "0 or more");

    /// <summary>Of the command that grades.</summary>
    public Option<int> Prompt { get; } = new("--prompt") { Description = "Essay prompt, 1..8.", HelpName = "N", DefaultValueFactory = _ => 1 };

    /// <summary>Of the command that recommends.</summary>
    public Option<int> Factors { get; } = AtLeastOne(new Option<int>("--factors") { Description = "Width of the last layer of NeuMF; networks of sequences are eight times as wide, matrix factorisation four times.", HelpName = "N", DefaultValueFactory = _ => 8 });

    /// <summary>Of the commands that learn in folds.</summary>
    public Option<int?> Folds { get; } = AtLeastOne(new Option<int?>("--folds") { Description = "Folds to learn and test; all unless given, with --search one.", HelpName = "N" });

    /// <summary>Of the commands that read tables of answers.</summary>
    public Option<string?> Columns { get; } = ColumnsOption();

    /// <summary>Of the commands whose answers can be shuffled.</summary>
    public Option<bool> Canary { get; } = new("--canary") { Description = "Learns and tests once more on shuffled answers; the run fails where they are told better than by chance, for then answers leak. Twice the time." };

    /// <summary>Of the command that looks at behaviour.</summary>
    public Option<int?> Weeks { get; } = AtLeastOne(new Option<int?>("--weeks") { Description = "The first weeks of the course that are seen; 8 unless given.", HelpName = "N" });

    /// <summary>Of the command that writes.</summary>
    public Option<string> Tokens { get; } = Among(new Option<string>("--tokens") { Description = "What is written one after another: char or word.", HelpName = "KIND", DefaultValueFactory = _ => "char" }, "char", "word");

    /// <summary>Of the command that traces.</summary>
    public Option<string> Network { get; } = Among(new Option<string>("--network") { Description = "What traces: lstm (DKT), memory (DKVMN) or attention (SAKT).", HelpName = "KIND", DefaultValueFactory = _ => TracingKind.Usual }, [.. TracingKind.All.Select(k => k.Name)]);

    /// <summary>Of the command that recommends.</summary>
    public Option<string> Recommender { get; } = Among(new Option<string>("--network") { Description = "What recommends: neumf (NeuMF), or from what was taken in order gru (GRU4Rec) or attention (SASRec).", HelpName = "KIND", DefaultValueFactory = _ => RecommendKind.Usual }, [.. RecommendKind.All.Select(k => k.Name)]);

    /// <summary>Of the command that recommends.</summary>
    public Option<string?> Loss { get; } = Among(new Option<string?>("--loss") { Description = "Of --network gru and attention: what the next item is to stand out from, all others (softmax, unless given) or one that was drawn (bce).", HelpName = "KIND" }, NextItemNet.Softmax, NextItemNet.Sampled);

    /// <summary>Of the command that traces: how much of the terms of DKT+ is added to the loss.</summary>
    public Option<double>[] Plus { get; } =
    [
        Share("--reconstruct", "Of --network lstm: adds so much of the log loss of the answer just given (DKT+; published 0.1)."),
        Share("--wave1", "Of --network lstm: adds so much of the mean change of all chances from answer to answer (DKT+; published 0.003)."),
        Share("--wave2", "Of --network lstm: adds so much of its mean square (DKT+; published 3)."),
    ];

    /// <summary>Gives a command the options that all have, and its own.</summary>
    public void AddTo(Command command, params Option[] own)
    {
        foreach (Option option in (Option[])[_data, _epochs, _batch, _seed, _seeds, _floors, _threads, _device, _out, _resume, _json, _quick, _epsilon, _delta, _clip, _noiseSeed, .. own]) { command.Options.Add(option); }
    }

    /// <summary>What was typed, and sets the number of threads.</summary>
    public RunOptions Read(ParseResult parse, string[] args)
    {
        if (parse.GetValue(_threads) is { } count) { DeepEduOptions.MaxThreads = count; }
        RunOptions options = new()
        {
            Data = parse.GetValue(_data),
            Epochs = parse.GetValue(_epochs),
            Batch = parse.GetValue(_batch),
            Seed = parse.GetValue(_seed),
            Seeds = parse.GetValue(_seeds),
            Floors = [.. (parse.GetValue(_floors) ?? []).Select(f => Floor.Parse(f)!)],
            Device = DeviceOption.Of(parse.GetValue(_device)!),
            Out = parse.GetValue(_out),
            Resume = parse.GetValue(_resume),
            Json = parse.GetValue(_json),
            Quick = parse.GetValue(_quick),
            CommandLine = string.Join(' ', args.Where(a => a != "--resume").Select(a => a.Length == 0 || a.Any(c => char.IsWhiteSpace(c) || c is '"' or '\'' or '\\' or '$' or '*' or '&' or ';' or '<' or '>') ? $"'{a.Replace("'", "'\\''", StringComparison.Ordinal)}'" : a)),
        };
        if (parse.GetValue(_epsilon) is { } epsilon) { options = options with { Privacy = new(epsilon, parse.GetValue(_delta), parse.GetValue(_clip), parse.GetValue(_noiseSeed)) }; }
        if (options is { Privacy: not null, Seeds: > 1 }) { throw new DataException("--seeds: each private run of several gives away --epsilon once more; give one seed."); }
        else if (options.Privacy is null && Array.Find((Option[])[_delta, _clip, _noiseSeed], o => parse.GetResult(o) is not null) is { } idle) { throw new DataException($"{idle.Name} is of private training; give --epsilon too."); }
        var its = parse.CommandResult.Command.Options;
        if (its.Contains(Folds)) { options = options with { Folds = parse.GetValue(Folds) }; }
        if (its.Contains(Columns)) { options = options with { Columns = ColumnsOf(parse.GetValue(Columns), options) }; }
        if (its.Contains(Canary)) { options = options with { Canary = parse.GetValue(Canary) }; }
        if (its.Contains(Weeks)) { options = options with { Weeks = parse.GetValue(Weeks) }; }
        if (its.Contains(Tokens)) { options = options with { Tokens = parse.GetValue(Tokens)! }; }
        if (its.Contains(Network)) { options = options with { Network = parse.GetValue(Network)!, Plus = new(parse.GetValue(Plus[0]), parse.GetValue(Plus[1]), parse.GetValue(Plus[2])) }; }
        if (its.Contains(Recommender)) { options = options with { Recommender = parse.GetValue(Recommender)!, Loss = parse.GetValue(Loss) }; }
        if (its.Contains(LearningRate)) { options = options with { LearningRate = parse.GetValue(LearningRate), Search = Asked(parse, options) }; }
        if (its.Contains(Hidden)) { options = options with { Hidden = parse.GetValue(Hidden) }; }
        if (its.Contains(Dropout)) { options = options with { Dropout = parse.GetValue(Dropout) }; }
        if (its.Contains(WeightDecay)) { options = options with { WeightDecay = parse.GetValue(WeightDecay) }; }
        if (its.Contains(Prompt)) { options = options with { Prompt = parse.GetValue(Prompt) }; }
        return its.Contains(Factors) ? options with { Factors = parse.GetValue(Factors) } : options;
    }

    internal static Option<string?> ColumnsOption() => new("--columns") { Description = "Columns of a long table of answers, such as user=pupil,item=task,correct=right,time=when; known names are found without.", HelpName = "ROLE=NAME,..." };

    private static EventColumns? ColumnsOf(string? typed, RunOptions options)
        => typed is null ? null : options.Data is not null ? EventColumns.Parse(typed) : throw new DataException("--columns: names those of a long table; give it by --data.");

    private SearchAsked? Asked(ParseResult parse, RunOptions options)
    {
        if (parse.GetValue(_search) is not { } trials)
        {
            return Array.Find((Option[])[_over, _by], o => parse.GetResult(o) is { Implicit: false }) is { } idle ? throw new DataException($"{idle.Name} is of a search; give --search N too.") : null;
        }
        if (options.Privacy is not null) { throw new DataException("--search: each private trial gives away --epsilon once more; search without it, on data that may be looked at."); }
        SearchAsked asked = SearchAsked.Parse(trials, parse.GetValue(_over) ?? [], parse.GetValue(_by) ?? SearchAsked.Random);
        foreach (SearchAxis axis in asked.Over)
        {
            if (parse.CommandResult.Command.Options.FirstOrDefault(o => o.Name == $"--{axis.Name}") is { } option && parse.GetResult(option) is { Implicit: false }) { throw new DataException($"--over {axis}: --{axis.Name} is given too; leave one of them out."); }
        }
        return asked;
    }

    /// <summary>A number of a kind. A comma is refused: as the runtime reads them, 0,5 would be 5.</summary>
    internal static O Real<O>(O option, Func<double, bool> holds, string which) where O : Option
    {
        option.Validators.Add(r =>
        {
            if (r.Tokens.Count != 1) { return; }
            string typed = r.Tokens[0].Value;
            if (!double.TryParse(typed, NumberStyles.Float, CultureInfo.InvariantCulture, out double x)) { r.AddError($"{option.Name} {typed}: is no number{(typed.Contains(',', StringComparison.Ordinal) ? "; it is written with a point, as in 0.5" : "")}."); }
            else if (!holds(x)) { r.AddError($"{option.Name} must be {which}."); }
        });
        return option;
    }

    private static Option<double> Share(string name, string description) => Real(new Option<double>(name) { Description = description, HelpName = "X" }, x => x >= 0 && double.IsFinite(x), "0 or more");

    private static Option<string[]> Floors(Option<string[]> option)
    {
        option.Validators.Add(r => { if (r.Tokens.FirstOrDefault(t => Floor.Parse(t.Value) is null) is { } wrong) { r.AddError($"--assert {wrong.Value}: is not like METRIC>=VALUE or METRIC<=VALUE."); } });
        return option;
    }

    private static Option<T> Among<T>(Option<T> option, params string[] values)
    {
        option.AcceptOnlyFromAmong(values);
        return option;
    }

    private static Option<double?> Above(double low, double high, Option<double?> option)
        => Real(option, x => x > low && x < high, string.Create(CultureInfo.InvariantCulture, $"above {low}{(double.IsFinite(high) ? $" and below {high}" : "")}"));

    // of a file or folder
    internal static O Named<O>(O option) where O : Option
    {
        option.Validators.Add(r => { if (r.Tokens.Any(t => t.Value.Length == 0)) { r.AddError($"{option.Name} needs a name, it is empty."); } });
        return option;
    }

    // looks at the typed text: asking for the value would throw on what is no number, which the parser reports itself
    internal static O AtLeastOne<O>(O option) where O : Option
    {
        option.Validators.Add(r => { if (r.Tokens.Count == 1 && int.TryParse(r.Tokens[0].Value, out int n) && n < 1) { r.AddError($"{option.Name} must be at least 1."); } });
        return option;
    }
}
