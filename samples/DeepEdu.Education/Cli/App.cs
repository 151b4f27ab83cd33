using System.CommandLine;
using System.Runtime.InteropServices;
using System.Text;
using DeepEdu.Devices;
using DeepEdu.Education.Data;
using DeepEdu.Education.Report;
using DeepEdu.Education.Saved;
using DeepEdu.Education.Search;
using DeepEdu.Education.Tasks;
using DeepEdu.Education.Ui;
using View = DeepEdu.Education.Ui.View;

namespace DeepEdu.Education.Cli;

/// <summary>The command line: options in, exit code out. 0 done, 2 wrong input, 3 answers leak, 4 a metric missed what it must reach (each a line on the error stream), 130 interrupted.</summary>
internal static class App
{
    private const int WrongInput = 2;
    private const int Leak = 3;
    private const int Missed = 4;
    private const int Interrupted = 130;
    private const int LongestLine = 1000;

    public static int Run(string[] args, TextWriter output, TextWriter error)
    {
        int code = 0;
        RunFlags flags = new();
        RecommendTask recommend = new();
        GradeTask grade = new();
        MultitaskTask multitask = new();
        TraceTask trace = new();
        DiagnoseTask diagnose = new();
        BehaviourTask behaviour = new();
        GenerateTask generate = new();
        AnswerTask answer = new();
        Command root = Runs(new RootCommand("Deep learning for education: recommending, grading, learning several tasks at once, tracing what learners know, diagnosing it skill by skill, telling who will leave, writing and answering questions. Without a command all run on embedded data."), [], recommend, grade, multitask, trace, diagnose, behaviour, generate, answer);
        root.Subcommands.Add(Runs(new("recommend", "Recommends learning items from implicit feedback; ranks a held-out item among 99 others, and among all."), [flags.Recommender, flags.Loss, flags.Factors, .. flags.Searched, flags.Dropout, flags.WeightDecay, flags.Canary], recommend));
        root.Subcommands.Add(Runs(new("grade", "Grades handwriting, or essays when --data is a folder of ASAP essays."), [flags.Prompt, flags.Folds, .. flags.Searched, flags.Hidden, flags.Dropout, flags.Canary], grade));
        root.Subcommands.Add(Runs(new("multitask", "Learns several outcomes of a learner together and each alone."), [flags.Folds, .. flags.Searched, flags.Dropout, flags.WeightDecay, flags.Canary], multitask));
        root.Subcommands.Add(Runs(new("trace", "Traces what learners know: tells from the answers so far whether the next one is right. --data is a file of answers, or a folder of train, test and valid files."), [flags.Columns, flags.Network, .. flags.Plus, flags.Folds, .. flags.Searched, flags.Hidden, flags.Dropout, flags.Canary], trace));
        root.Subcommands.Add(Runs(new("diagnose", "Diagnoses how well learners know each skill, from their answers to items and the skills that these ask for. --data is a folder of train.csv, item.csv and, if they are there, valid.csv and test.csv, or a file of answers: a long table with learner, item, skill and correct, or sequences."), [flags.Columns, .. flags.Searched, flags.Hidden, flags.Dropout, flags.Canary], diagnose));
        root.Subcommands.Add(Runs(new("behaviour", "Tells from the first weeks of a course who will leave it. --data is a folder of events.csv and learners.csv, or of OULAD's tables studentInfo.csv, studentRegistration.csv, studentAssessment.csv and assessments.csv."), [flags.Folds, flags.Weeks, .. flags.Searched, flags.Hidden, flags.Dropout, flags.WeightDecay, flags.Canary], behaviour));
        root.Subcommands.Add(Runs(new("generate", "Learns to write like a text. --data is a text file, or a folder of *.txt."), [flags.Tokens, .. flags.Searched, flags.Hidden, flags.Dropout, flags.WeightDecay], generate));
        root.Subcommands.Add(Runs(new("answer", "Answers questions by choosing among known answers. --data is a table, or a .jsonl, with question and answer."), [.. flags.Searched, flags.Hidden, flags.Dropout, flags.WeightDecay], answer));
        root.Subcommands.Add(PredictCommand.Create(output, error));
        root.Subcommands.Add(DataCommand.Create(output));

        ParseResult result = root.Parse(args);
        if (result.Errors.Count > 0)
        {
            error.WriteLine(OneLine(result.Errors[0].Message).Replace("System.Nullable`1[System.Int32]", "whole number", StringComparison.Ordinal)
                .Replace("System.Nullable`1[System.Double]", "number", StringComparison.Ordinal).Replace("System.Nullable`1[System.UInt64]", "whole number", StringComparison.Ordinal)
                .Replace("System.Int32", "whole number", StringComparison.Ordinal).Replace("System.Double", "number", StringComparison.Ordinal).Replace("System.UInt64", "whole number", StringComparison.Ordinal));
            return WrongInput;
        }
        try
        {
            int invoked = result.Invoke(new InvocationConfiguration { Output = output, Error = error, EnableDefaultExceptionHandler = false, ProcessTerminationTimeout = null });
            return invoked != 0 ? invoked : code;
        }
        catch (Exception e) when (e is DataException or IOException or InvalidDataException or UnauthorizedAccessException or NotSupportedException
            or InvalidOperationException { InnerException: IOException or UnauthorizedAccessException })
        {
            error.WriteLine(OneLine(e.Message));
            return WrongInput;
        }

        Command Runs(Command command, Option[] own, params IEducationTask[] tasks)
        {
            flags.AddTo(command, own);
            command.SetAction(parse => { code = RunTasks(tasks, flags.Read(parse, args), output, error); });
            return command;
        }
    }

    private static int RunTasks(IEducationTask[] tasks, RunOptions options, TextWriter output, TextWriter error)
    {
        if (tasks.Length > 1 && options.Data is not null) { throw new DataException("--data needs a command: recommend, grade, multitask, trace, diagnose, behaviour, generate or answer."); }
        if (options.Privacy is not null && Array.Find(tasks, t => t.NotPrivate is not null) is { } open) { throw new DataException($"--epsilon: {open.Name} does not train privately: {open.NotPrivate}"); }
        foreach (IEducationTask task in tasks) { SearchSetting.RefuseOthers(task, options); }
        if (options.Resume) { MustHoldARun(options); }
        if (options.Floors.Select(f => f.Unknown(tasks, options)).FirstOrDefault(u => u is not null) is { } unknown) { throw new DataException(unknown); }
        string folder = options.Out ?? ".", html = Path.Combine(folder, "report.html");
        if (File.Exists(folder)) { throw new DataException($"--out {folder}: is a file; give a folder."); }
        Directory.CreateDirectory(folder);
        using ResultFile report = new(html);
        using ResultFile? json = options.Json is null ? null : new(options.Json);
        using CancellationTokenSource stop = new();
        // Ctrl-C, and what schedulers send before they end a program; the second time it ends at once
        void Interrupt(PosixSignalContext signal)
        {
            signal.Cancel = !stop.IsCancellationRequested;
            stop.Cancel();
        }
        using PosixSignalRegistration interrupt = PosixSignalRegistration.Create(PosixSignal.SIGINT, Interrupt), terminate = PosixSignalRegistration.Create(PosixSignal.SIGTERM, Interrupt);
        View view = View.For(output);
        if (options.Device is not CpuDevice) { view.Line($"device: {options.Device.Name}"); }
        List<RunResult> results = [];
        foreach (RunOptions its in options.Each())
        {
            foreach (IEducationTask task in tasks)
            {
                if (stop.IsCancellationRequested) { break; }
                string name = options.Seeds == 1 ? task.Name : $"{task.Name}, seed {its.Seed}";
                results.AddRange(view.During(name, progress => its.Search is null ? task.Run(its, progress, stop.Token) : SearchRun.Run(task, its, progress, stop.Token)).Select(r => r with { Interrupted = stop.IsCancellationRequested }));
            }
        }
        IReadOnlyList<SeedSpread> spreads = SeedSpread.Of(results);
        ResultTable.Write(view, results, spreads);
        foreach (SearchTold told in results.Select(r => r.Search).OfType<SearchTold>()) { told.Write(view); }
        report.Write(Encoding.UTF8.GetBytes(HtmlReport.Render(results, options.CommandLine, spreads)), output);
        view.Line($"report: {html}");
        json?.Write(options.Seeds == 1 ? JsonReport.Render(results) : JsonReport.Render(results, spreads), output);
        if (!stop.IsCancellationRequested)
        {
            CanaryFound[] leaks = [.. results.Select(r => r.Canary).OfType<CanaryFound>().Where(c => c.Leaks)];
            foreach (CanaryFound leak in leaks) { error.WriteLine(OneLine(leak.Error)); }
            string[] missed = [.. options.Floors.Select(f => f.Missed(results)).OfType<string>()];
            foreach (string why in missed) { error.WriteLine(OneLine(why)); }
            return leaks.Length > 0 ? Leak : missed.Length > 0 ? Missed : 0;
        }
        view.Line("interrupted: the numbers above are of the steps done so far.");
        view.Line(options.Out is null ? "With --out FOLDER, --resume could go on from here." : $"To go on, run it again with --resume: {options.CommandLine} --resume");
        return Interrupted;
    }

    private static void MustHoldARun(RunOptions options)
    {
        if (options.Out is not { } folder) { throw new DataException("--resume: goes on with the run in a folder; give --out FOLDER."); }
        if (!Directory.Exists(folder)) { throw new DataException($"--resume: {folder}: no such folder."); }
        if (options.Search is not null && !options.Each().Any(its => SearchRun.HoldsOne(its.Out!))) { throw new DataException($"--resume: {folder}: no search in this folder; without --resume one is begun."); }
        if (options.Search is not null || options.Each().Any(its => RunFolder.HoldsARun(its.Out!))) { return; }
        if (SearchRun.HoldsOne(folder)) { throw new DataException($"--resume: {folder}: holds a search that has not come to its run; give --search, --over and --by as then."); }
        throw new DataException(options.Seeds == 1 && Directory.EnumerateDirectories(folder, "seed-*").Any(RunFolder.HoldsARun)
            ? $"--resume: {folder}: holds runs of several seeds; give --seeds and --seed as then." : $"--resume: {folder}: no run in this folder{(options.Seeds > 1 ? " of these seeds" : "")}; without --resume one is begun.");
    }

    // what an error quotes may be a field of any length
    private static string OneLine(string text)
    {
        text = text.ReplaceLineEndings(" ").Replace('\t', ' ').Trim();
        return text.Length <= LongestLine ? text : $"{text.AsSpan(0, LongestLine / 2)} … {text.AsSpan(text.Length - (LongestLine / 2))}";
    }
}
