using System.Diagnostics;
using DeepEdu.Education.Baselines;
using DeepEdu.Education.Cli;
using DeepEdu.Education.Data;
using DeepEdu.Education.Data.Simulated;
using DeepEdu.Education.Report;
using DeepEdu.Education.Ui;
using DeepEdu.Metrics;
using DeepEdu.Numerics;

namespace DeepEdu.Education.Tasks;

/// <summary>Grades handwriting (IDX images, or the embedded digits) or essays (a folder of ASAP-AES).</summary>
internal sealed class GradeTask : IEducationTask
{
    public string Name => "grade";

    public IReadOnlyList<RunResult> Run(RunOptions options, IProgress progress, CancellationToken stop)
    {
        if (options.Data is not null && TextSource.TryFind(options.Data, "*images-idx3-ubyte") is null)
        {
            if (TextSource.TryFind(options.Data, "*.tsv") is null)
            {
                throw new DataException($"{options.Data}: neither IDX images (train-images-idx3-ubyte) nor ASAP essays (asap_promptN.tsv) in this folder.");
            }
            return [Essays(AsapReader.Read(options.Data, options.Prompt), options, progress, stop)];
        }
        return [Handwriting(options, progress)];
    }

    private RunResult Handwriting(RunOptions options, IProgress progress)
    {
        Stopwatch clock = Stopwatch.StartNew();
        string name = options.Data is null ? "digits 8x8" : Path.GetFileName(Path.TrimEndingDirectorySeparator(Path.GetFullPath(options.Data)));
        var (train, test) = options.Data is null ? Halves(Digits.Load(), options.Seed) : IdxReader.ReadFolder(options.Data);
        progress.Line($"{name}: {train.Count} training and {test.Count} test images of {train.Height}x{train.Width}");
        NearestCentroid model = new(train);
        int majority = NearestCentroid.Majority(train);
        ConfusionMatrix confusion = new(Math.Max(train.Classes, test.Classes)), byMajority = new(confusion.Classes);
        for (int i = 0; i < test.Count; i++)
        {
            confusion.Add(model.Predict(test[i]), test.Labels[i]);
            byMajority.Add(majority, test.Labels[i]);
        }
        Accuracy sums = new();
        foreach (HandwrittenSum sum in HandwrittenSums.Create(test, 1000, options.Seed))
        {
            int read = 0;
            foreach (int place in sum.Answer) { read = 10 * read + model.Predict(test[place]); }
            sums.Add(read == sum.A + sum.B ? 1 : 0, sum.Right ? 1 : 0);
        }
        return new(Name, "nearest mean image", name)
        {
            Metrics = [new("accuracy", confusion.Accuracy), new("f1_macro", confusion.F1(Average.Macro)), new("sums_accuracy", sums.Value)],
            Baselines = [("majority class", [new("accuracy", byMajority.Accuracy), new("f1_macro", byMajority.F1(Average.Macro))])],
            Seconds = clock.Elapsed.TotalSeconds,
            Seed = options.Seed,
            Confusion = confusion,
            Protocol = options.Data is null ? "A random fifth of the digits is the test part." : "Given training and test parts.",
        };
    }

    private RunResult Essays(EssaySet set, RunOptions options, IProgress progress, CancellationToken stop)
    {
        Stopwatch clock = Stopwatch.StartNew();
        progress.Line($"{set.Name}: {set.Essays.Length} essays, scores {set.Min}..{set.Max}, {set.Folds.Length} folds");
        float[][] features = [.. set.Essays.Select(e => LengthFeatures.Of(e.Text))];
        List<(double Qwk, double Lwk, double Rmse)> byLength = [], byMean = [];
        foreach (Fold fold in options.Quick ? set.Folds[..1] : set.Folds)
        {
            if (stop.IsCancellationRequested && byLength.Count > 0) { break; }
            Ridge ridge = new([.. fold.Train.Select(i => features[i])], [.. fold.Train.Select(i => (float)set.Essays[i].Score)]);
            double mean = fold.Train.Average(i => (double)set.Essays[i].Score);
            byLength.Add(Evaluate(set, fold, i => ridge.Predict(features[i])));
            byMean.Add(Evaluate(set, fold, _ => mean));
        }
        return new(Name, "ridge on length", set.Name)
        {
            Metrics = Means(byLength),
            Baselines = [("mean score", Means(byMean))],
            Seconds = clock.Elapsed.TotalSeconds,
            Seed = options.Seed,
            Protocol = "Mean over the given test folds of the kappa of rounded scores over the prompt's full range.",
        };
    }

    private static (double Qwk, double Lwk, double Rmse) Evaluate(EssaySet set, Fold fold, Func<int, double> predict)
    {
        WeightedKappa quadratic = new(set.Min, set.Max), linear = new(set.Min, set.Max, KappaWeights.Linear);
        RegressionError error = new();
        foreach (int i in fold.Test)
        {
            int grade = WeightedKappa.Round(predict(i), set.Min, set.Max), truth = set.Essays[i].Score;
            quadratic.Add(grade, truth);
            linear.Add(grade, truth);
            error.Add(predict(i), truth);
        }
        return (quadratic.Value, linear.Value, error.Rmse);
    }

    private static Score[] Means(List<(double Qwk, double Lwk, double Rmse)> folds)
        => [new("qwk", folds.Average(f => f.Qwk)), new("lwk", folds.Average(f => f.Lwk)), new("rmse", folds.Average(f => f.Rmse))];

    private static (ImageSet Train, ImageSet Test) Halves(ImageSet all, ulong seed)
    {
        int[] order = new Rng(seed).Permutation(all.Count);
        int test = all.Count / 5;
        return (all.Take(order.AsSpan(test)), all.Take(order.AsSpan(0, test)));
    }
}
