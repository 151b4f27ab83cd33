using System.CommandLine;
using System.Globalization;
using DeepEdu.Education.Data;
using DeepEdu.Education.Report;
using DeepEdu.Education.Saved;
using DeepEdu.Education.Text;
using DeepEdu.Io;

namespace DeepEdu.Education.Cli;

/// <summary><c>predict</c>: what a saved model tells of new rows, as a table.</summary>
internal static class PredictCommand
{
    public static Command Create(TextWriter output, TextWriter error)
    {
        Option<string> model = RunFlags.Named(new Option<string>("--model") { Description = "Folder of a run (what --out was), or the model.ckpt in it.", HelpName = "PATH", Required = true });
        Option<string> rows = new("--in")
        {
            Description = "The new rows. Of recommend: a table with the column user. Of grade: a table with the column essay, a .txt of one essay, or images: an IDX file, or one PNG, PGM or PPM. Of multitask: a table with the columns that were learned from; with G1, or G1 and G2, they are used too. Of trace and diagnose (and of the bank of diagnose-adaptive): answers of learners, as in the run. Of behaviour: a table with the columns user, week and event. Of generate: a table with the column prompt, or a .txt of one prompt. Of answer: a table with the column question.",
            HelpName = "FILE",
            Required = true,
        };
        Option<string?> result = RunFlags.Named(new Option<string?>("--out") { Description = "File for the result; shown unless given.", HelpName = "FILE" });
        Option<string?> columns = RunFlags.ColumnsOption();
        Option<int> top = RunFlags.AtLeastOne(new Option<int>("--top") { Description = "Of recommend and answer: items to recommend to each learner, or answers to give to each question.", HelpName = "N", DefaultValueFactory = _ => 10 });
        Option<bool> explain = new("--explain") { Description = "Of grade, for essays: adds the words that gave and took most, in points (integrated gradients). Of trace: adds the past answers that moved a chance most, and by how much it would be another without each." };
        SamplingOptions usual = new();
        Option<int> length = RunFlags.AtLeastOne(new Option<int>("--length") { Description = "Of generate: tokens that a text goes on for.", HelpName = "N", DefaultValueFactory = _ => usual.Length });
        Option<double> temperature = Between(0, 100, new("--temperature") { Description = "Of generate: how bold a text goes on: 0 takes the likeliest token each time.", HelpName = "T", DefaultValueFactory = _ => usual.Temperature });
        Option<int> topK = RunFlags.AtLeastOne(new Option<int>("--top-k") { Description = "Of generate: draws from so many of the likeliest tokens only; all unless given.", HelpName = "K" });
        Option<double> topP = Between(0, 1, new("--top-p") { Description = "Of generate: draws from the likeliest tokens only that together have this chance.", HelpName = "P", DefaultValueFactory = _ => usual.TopP });
        Option<ulong> seed = new("--seed") { Description = "Of generate: seed of what is drawn.", HelpName = "S", DefaultValueFactory = _ => 1 };
        Command command = new("predict", "Uses a trained model on new rows: items for a learner, grades of essays, digits of images, outcomes of learners, what learners know, who will leave; goes on with texts, answers questions.") { model, rows, result, columns, top, explain, length, temperature, topK, topP, seed };
        (Option[] Options, string[] Tasks)[] some = [([columns], ["trace", "diagnose", "diagnose-adaptive"]), ([top], ["recommend", "answer"]), ([explain], ["grade", "trace"]), ([length, temperature, topK, topP, seed], ["generate"])];
        command.SetAction(parse =>
        {
            if (!File.Exists(parse.GetValue(rows))) { throw new DataException($"--in {parse.GetValue(rows)}: no such file."); }
            var (saved, predictor) = ModelFile.Open(parse.GetValue(model)!);
            if (!saved.Info.Options.Bool(ModelFile.Finished)) { error.WriteLine($"{saved.Path}: is of a run that was interrupted; --resume goes on with it."); }
            string task = saved.Info.Options.Text(ModelFile.Task);
            foreach (var (own, tasks) in some)
            {
                if (!tasks.Contains(task) && Array.Find(own, o => parse.GetResult(o) is { Implicit: false }) is { } idle) { throw new DataException($"{idle.Name} is for models of {string.Join(" and ", tasks)}; the one in --model is of {task}."); }
            }
            PredictOptions options = new()
            {
                Columns = parse.GetValue(columns) is { } typed ? EventColumns.Parse(typed) : null,
                Top = parse.GetValue(top),
                Explain = parse.GetValue(explain),
                Seed = parse.GetValue(seed),
                Sampling = new() { Length = parse.GetValue(length), Temperature = parse.GetValue(temperature), TopK = parse.GetValue(topK), TopP = parse.GetValue(topP) },
            };
            string[][] lines; // all of it before any is written
            try { lines = [.. predictor.Predict(parse.GetValue(rows)!, options)]; }
            catch (Exception e) when (e is DataException or InvalidDataException)
            {
                throw new DataException($"{e.Message.TrimEnd('.')}. The model is of {task}, learned from {saved.Info.Options.Text(ModelFile.Data)}.");
            }
            if (parse.GetValue(result) is not { } path) { Predictions.Write(output, lines); }
            else
            {
                AtomicFile.Write(path, stream =>
                {
                    using StreamWriter writer = new(stream, leaveOpen: true);
                    Predictions.Write(writer, lines);
                });
                output.WriteLine($"{lines.Length - 1} rows: {path}");
            }
        });
        return command;
    }

    private static Option<double> Between(double low, double high, Option<double> option)
        => RunFlags.Real(option, x => x >= low && x <= high, string.Create(CultureInfo.InvariantCulture, $"between {low} and {high}"));
}
