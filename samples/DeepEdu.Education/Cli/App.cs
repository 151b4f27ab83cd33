using System.CommandLine;
using System.Runtime.InteropServices;
using DeepEdu.Devices;
using DeepEdu.Education.Data;
using DeepEdu.Education.Report;
using DeepEdu.Education.Tasks;
using DeepEdu.Education.Ui;
using View = DeepEdu.Education.Ui.View;

namespace DeepEdu.Education.Cli;

/// <summary>The command line: options in, exit code out. 0 done, 2 wrong input (one line on the error stream), 130 interrupted.</summary>
internal static class App
{
    private const int WrongInput = 2;
    private const int Interrupted = 130;

    public static int Run(string[] args, TextWriter output, TextWriter error)
    {
        Option<string?> data = new("--data") { Description = "Folder with real data; without it the embedded data are used.", HelpName = "PATH" };
        Option<int?> epochs = new("--epochs") { Description = "Passes over the training data.", HelpName = "N" };
        Option<int?> batch = new("--batch") { Description = "Examples per step.", HelpName = "N" };
        Option<ulong> seed = new("--seed") { Description = "Seed of every random draw.", HelpName = "S", DefaultValueFactory = _ => 1 };
        Option<int?> threads = new("--threads") { Description = "Threads to use; results do not depend on it.", HelpName = "T" };
        Option<string> device = DeviceOption.Create();
        Option<string?> folder = new("--out") { Description = "Folder for report.html; the current one unless given.", HelpName = "DIR" };
        Option<string?> json = new("--json") { Description = "File for the results as JSON.", HelpName = "FILE" };
        Option<bool> quick = new("--quick") { Description = "A short run to see that everything works." };
        Option<int> prompt = new("--prompt") { Description = "Essay prompt, 1..8.", HelpName = "N", DefaultValueFactory = _ => 1 };
        Option<int> factors = new("--factors") { Description = "Width of the last layer of the recommender.", HelpName = "N", DefaultValueFactory = _ => 8 };
        foreach (Option option in new Option[] { epochs, batch, threads, factors }) { AtLeastOne(option); }

        Option[] common = [data, epochs, batch, seed, threads, device, folder, json, quick];
        int code = 0;
        Command Make(string name, string description, Option[] own, params IEducationTask[] tasks)
        {
            Command command = name.Length == 0 ? new RootCommand(description) : new Command(name, description);
            foreach (Option option in (Option[])[.. common, .. own]) { command.Options.Add(option); }
            command.SetAction(parse =>
            {
                RunOptions options = new()
                {
                    Data = parse.GetValue(data),
                    Epochs = parse.GetValue(epochs),
                    Batch = parse.GetValue(batch),
                    Seed = parse.GetValue(seed),
                    Device = DeviceOption.Of(parse.GetValue(device)!),
                    Out = parse.GetValue(folder),
                    Json = parse.GetValue(json),
                    Quick = parse.GetValue(quick),
                    Prompt = own.Contains(prompt) ? parse.GetValue(prompt) : 1,
                    Factors = own.Contains(factors) ? parse.GetValue(factors) : 8,
                    CommandLine = string.Join(' ', args),
                };
                if (tasks.Length > 1 && options.Data is not null) { throw new DataException("--data needs a command: recommend, grade or multitask."); }
                if (parse.GetValue(threads) is { } count) { DeepEduOptions.MaxThreads = count; }
                code = RunTasks(tasks, options, output);
            });
            return command;
        }

        RecommendTask recommend = new();
        GradeTask grade = new();
        MultitaskTask multitask = new();
        Command root = Make("", "Deep learning for education: recommending, grading and learning several tasks at once. Without a command all three run on embedded data.", [], recommend, grade, multitask);
        root.Subcommands.Add(Make("recommend", "Recommends learning items from implicit feedback; ranks a held-out item among 99 others.", [factors], recommend));
        root.Subcommands.Add(Make("grade", "Grades handwriting, or essays when --data is a folder of ASAP essays.", [prompt], grade));
        root.Subcommands.Add(Make("multitask", "Learns several outcomes of a learner together and each alone.", [], multitask));
        root.Subcommands.Add(DataCommand.Create(output));

        ParseResult result = root.Parse(args);
        if (result.Errors.Count > 0)
        {
            error.WriteLine(OneLine(result.Errors[0].Message).Replace("System.Nullable`1[System.Int32]", "whole number", StringComparison.Ordinal)
                .Replace("System.Int32", "whole number", StringComparison.Ordinal).Replace("System.UInt64", "whole number", StringComparison.Ordinal));
            return WrongInput;
        }
        try
        {
            int invoked = result.Invoke(new InvocationConfiguration { Output = output, Error = error, EnableDefaultExceptionHandler = false, ProcessTerminationTimeout = null });
            return invoked != 0 ? invoked : code;
        }
        catch (Exception e) when (e is DataException or IOException or UnauthorizedAccessException or NotSupportedException)
        {
            error.WriteLine(OneLine(e.Message));
            return WrongInput;
        }
    }

    private static int RunTasks(IEducationTask[] tasks, RunOptions options, TextWriter output)
    {
        string folder = options.Out ?? ".", html = Path.Combine(folder, "report.html");
        if (File.Exists(folder)) { throw new DataException($"--out {folder}: is a file; give a folder."); }
        Directory.CreateDirectory(folder);
        MustBeWritable(html);
        if (options.Json is not null) { MustBeWritable(options.Json); }
        using CancellationTokenSource stop = new();
        using PosixSignalRegistration interrupt = PosixSignalRegistration.Create(PosixSignal.SIGINT, c => { c.Cancel = true; stop.Cancel(); });
        View view = View.For(output);
        if (options.Device is not CpuDevice) { view.Line($"device: {options.Device.Name}"); }
        List<RunResult> results = [];
        foreach (IEducationTask task in tasks)
        {
            if (stop.IsCancellationRequested) { break; }
            results.AddRange(view.During(task.Name, progress => task.Run(options, progress, stop.Token)));
        }
        ResultTable.Write(view, results);
        File.WriteAllText(html, HtmlReport.Render(results, options.CommandLine));
        view.Line($"report: {html}");
        if (options.Json is not null) { File.WriteAllBytes(options.Json, JsonReport.Render(results)); }
        if (!stop.IsCancellationRequested) { return 0; }
        view.Line("interrupted: the numbers above are of the steps done so far.");
        return Interrupted;
    }

    /// <summary>What cannot be written is said before hours of training, not after.</summary>
    private static void MustBeWritable(string file)
    {
        if (Directory.Exists(file)) { throw new DataException($"{file}: is a folder; give a file."); }
        bool isNew = !File.Exists(file);
        File.Open(file, FileMode.OpenOrCreate, FileAccess.Write).Dispose();
        if (isNew) { File.Delete(file); }
    }

    /// <summary>Looks at the typed text: asking for the value would throw on what is no number, which the parser reports itself.</summary>
    private static void AtLeastOne(Option option)
        => option.Validators.Add(r => { if (r.Tokens.Count == 1 && int.TryParse(r.Tokens[0].Value, out int n) && n < 1) { r.AddError($"{option.Name} must be at least 1."); } });

    private static string OneLine(string text) => text.ReplaceLineEndings(" ").Replace('\t', ' ').Trim();
}
