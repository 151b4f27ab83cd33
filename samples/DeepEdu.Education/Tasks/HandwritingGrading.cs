using System.Diagnostics;
using System.Numerics.Tensors;
using DeepEdu.Education.Baselines;
using DeepEdu.Education.Cli;
using DeepEdu.Education.Data;
using DeepEdu.Education.Data.Simulated;
using DeepEdu.Education.Models;
using DeepEdu.Education.Report;
using DeepEdu.Education.Saved;
using DeepEdu.Education.Search;
using DeepEdu.Education.Ui;
using DeepEdu.Metrics;
using DeepEdu.Numerics;

namespace DeepEdu.Education.Tasks;

/// <summary>Reads handwritten digits with a small convolutional network and grades pupils' answers to sums with it.</summary>
internal sealed class HandwritingGrading(RunOptions options)
{
    private const int Sums = 1000;

    public RunResult Run(IProgress progress, CancellationToken stop)
    {
        Stopwatch clock = Stopwatch.StartNew();
        bool embedded = options.Data is null;
        var (name, given, test, train, validation) = Read(progress);
        RunFolder kept = RunFolder.Open(options, "grade", Print(given, test));
        DigitCnn model = Train(train, validation, kept, "network", progress, stop);
        HandwrittenSum[] sums = test.Labels.Distinct().Count(l => l < 10) == 10 ? HandwrittenSums.Create(test, Sums, options.Seed) : [];
        float[] probabilities = model.Network.Predict(test);
        Reading reading = new(test, sums, probabilities);
        SplitConformalClassifier? sure = DigitPredictor.Sure(model.Network, validation);
        RunResult result = new("grade", "CNN", name)
        {
            Metrics = [.. reading.Scores, .. Sure(sure, test, probabilities)],
            Baselines = Baselines(given, test, sums),
            Predictions = new(["image", "truth", "digit", .. Enumerable.Range(0, test.Classes).Select(k => $"chance_{k}")], Enumerable.Range(0, test.Count).Select(i => probabilities.AsMemory(i * test.Classes, test.Classes)).Select((own, i) => (string[])
                [Predictions.Number(i + 1), Predictions.Number(test.Labels[i]), Predictions.Number(TensorPrimitives.IndexOfMax(own.Span)), .. own.ToArray().Select(p => Predictions.Number(p))])),
            Epochs = model.Learned.EpochsRun,
            Seconds = clock.Elapsed.TotalSeconds,
            Seed = options.Seed,
            Charts = model.Charts,
            Confusion = reading.Confusion,
            Calibration = sums.Length > 0 ? reading.Calibration : null,
            Protocol = $"{(embedded ? "A random fifth of the digits is the test part" : "Given training and test parts")}; {validation.Count} training images are held out and choose the epoch "
                + $"({model.Learned.BestEpoch + 1} of {model.Learned.EpochsRun}); the test images are read once. {(given.Width >= 20 ? $"Training images are moved by up to {given.Width / 20} pixels at random. " : "")}{model.Network.ParameterCount} parameters. "
                + $"Sums: {Sums} answers written with test images, graded right when the probability that they show the true sum is at least one half; "
                + "sums_brier, sums_ece and the reliability diagram are of that probability. "
                + $"Sets of digits are fitted on the held-out images to hold the true one of {1 - DigitPredictor.Alpha:P0}; coverage says how many they hold of the test images, review for which share they are not one digit alone, accuracy_sure is of the others.",
        };
        if (options.Canary && !stop.IsCancellationRequested) { result = result with { Canary = Shuffled(name, given, test, kept, progress, stop), Seconds = clock.Elapsed.TotalSeconds }; }
        kept.SaveModel(DigitPredictor.Kind, DigitPredictor.Sizes(model.Network), result, stop, DigitPredictor.Parts(model.Network, sure));
        return result;
    }

    /// <summary>For a search.</summary>
    public Trials Trials(IProgress progress)
    {
        var (name, given, test, train, validation) = Read(progress);
        return new(name, Print(given, test), "val_accuracy", true, Epochs, (its, kept, show, stop) => new HandwritingGrading(its).Train(train, validation, kept, "network", show, stop).Learned.Tried);
    }

    private (string Name, ImageSet Given, ImageSet Test, ImageSet Train, ImageSet Validation) Read(IProgress progress)
    {
        bool embedded = options.Data is null;
        string name = embedded ? "digits 8x8" : Path.GetFileName(Path.TrimEndingDirectorySeparator(Path.GetFullPath(options.Data!)));
        var (given, test) = embedded ? Fifths(Digits.Load()) : IdxReader.ReadFolder(options.Data!);
        if (test.Height != given.Height || test.Width != given.Width)
        {
            throw new DataException($"{options.Data}: training images of {given.Height}x{given.Width}, test images of {test.Height}x{test.Width}.");
        }
        if (given.Height < 4 || given.Width < 4) { throw new DataException($"{name}: images of {given.Height}x{given.Width}; the network pools twice and needs 4x4 or more."); }
        if (given.Classes < 10) { throw new DataException($"{name}: {given.Classes} classes; the ten digits are needed."); }
        int classes = Math.Max(given.Classes, test.Classes); // the network tells as many of each image
        (given, test) = (given with { Classes = classes }, test with { Classes = classes });
        var (train, validation) = HoldOut(given);
        progress.Line($"{name}: {train.Count} training, {validation.Count} validation and {test.Count} test images of {given.Height}x{given.Width}");
        return (name, given, test, train, validation);
    }

    private static string Print(ImageSet given, ImageSet test) => Fingerprint.Of(given.Pixels, given.Labels, test.Pixels, test.Labels);

    private int Epochs => options.Epochs ?? (options.Quick ? 2 : options.Data is null ? 30 : 5);

    private DigitCnn Train(ImageSet train, ImageSet validation, RunFolder kept, string name, IProgress progress, CancellationToken stop)
    {
        bool embedded = options.Data is null;
        DigitCnn model = new(train, validation, new(Epochs, options.Batch ?? (embedded ? 32 : 64), options.Seed)
        {
            Device = options.Device,
            Shift = train.Width / 20,
            Kept = kept.Training(name),
            Until = options.Until,
            LearningRate = options.LearningRate ?? DigitCnnOptions.Rate,
            Dropout = (float)(options.Dropout ?? DigitNet.Drop),
        });
        model.Fit(progress, stop);
        return model;
    }

    /// <summary>The same on shuffled digits; null if it was stopped.</summary>
    private CanaryFound? Shuffled(string name, ImageSet given, ImageSet test, RunFolder kept, IProgress progress, CancellationToken stop)
    {
        int[] labels = [.. given.Labels, .. test.Labels], cases = Canary.Cases(Enumerable.Range(0, labels.Length).Select(i => Canary.Key(i < given.Count ? given[i] : test[i - given.Count])));
        int[] from = Canary.Shuffle(cases, Canary.Draws(options.Seed)), drawn = Array.ConvertAll(from, row => labels[row]), truth = drawn[given.Count..];
        progress.Line("canary: the same on shuffled digits");
        var (train, validation) = HoldOut(given with { Labels = drawn[..given.Count] });
        DigitCnn model = Train(train, validation, kept, "canary", progress, stop);
        if (stop.IsCancellationRequested) { return null; }
        float[] probabilities = model.Network.Predict(test);
        int[] told = [.. Enumerable.Range(0, test.Count).Select(i => TensorPrimitives.IndexOfMax(probabilities.AsSpan(i * test.Classes, test.Classes)))];
        return Canary.Tell(new("grade", name, "Each image takes the digit of another, drawn from all; images of the same pixels take the same. It finds a test part that is learned from, and images that stand in both parts.",
            Canary.Beside([new("accuracy", Right(truth))], rng => [new("accuracy", Right(Array.ConvertAll(Canary.Shuffle(cases.AsSpan(given.Count), rng), row => truth[row])))], options.Seed)), progress);

        double Right(int[] truth) => told.Zip(truth, (a, b) => a == b ? 1.0 : 0).Average();
    }

    private static Score[] Sure(SplitConformalClassifier? sets, ImageSet test, float[] probabilities)
    {
        if (sets is null) { return []; }
        Accuracy held = new(), reviewed = new(), right = new();
        for (int i = 0; i < test.Count; i++)
        {
            ReadOnlySpan<float> own = probabilities.AsSpan(i * test.Classes, test.Classes);
            int[] set = sets.Set(own);
            held.Add(set.Contains(test.Labels[i]) ? 1 : 0, 1);
            reviewed.Add(set.Length == 1 ? 0 : 1, 1);
            right.Add(TensorPrimitives.IndexOfMax(own), test.Labels[i], set.Length == 1 ? 1 : 0);
        }
        return [new("coverage", held.Value), new("review", reviewed.Value), new("accuracy_sure", right.Value)];
    }

    private static List<(string, IReadOnlyList<Score>)> Baselines(ImageSet train, ImageSet test, HandwrittenSum[] sums)
    {
        NearestCentroid nearest = new(train);
        int majority = NearestCentroid.Majority(train);
        return [Named("majority class", _ => majority), Named("nearest mean image", i => nearest.Predict(test[i]))];

        (string, IReadOnlyList<Score>) Named(string name, Func<int, int> classOf)
        {
            float[] certain = new float[test.Count * test.Classes];
            for (int i = 0; i < test.Count; i++) { certain[(i * test.Classes) + classOf(i)] = 1; }
            return (name, new Reading(test, sums, certain).Scores);
        }
    }

    /// <summary>The last sixth of given training images (the last 10,000 of MNIST's 60,000), or of the embedded ones, which are in random order already.</summary>
    private (ImageSet Train, ImageSet Validation) HoldOut(ImageSet all)
    {
        int held = Math.Max(1, all.Count / 6), from = 0;
        if (options.Quick) { from = Math.Max(0, all.Count - held - 6000); }
        if (all.Count - held < 1) { throw new DataException($"{all.Count} training images are too few: one must be held out to choose the epoch."); }
        int[] places = [.. Enumerable.Range(0, all.Count)];
        return (all.Take(places.AsSpan(from..^held)), all.Take(places.AsSpan()[^held..]));
    }

    private (ImageSet Train, ImageSet Test) Fifths(ImageSet all)
    {
        int[] order = new Rng(options.Seed).Permutation(all.Count);
        int test = all.Count / 5;
        return (all.Take(order.AsSpan(test)), all.Take(order.AsSpan(0, test)));
    }

    /// <summary>What class probabilities of the test images are worth: for digits, and for the sums written with them.</summary>
    private sealed class Reading
    {
        public Reading(ImageSet test, HandwrittenSum[] sums, float[] probabilities)
        {
            Confusion = new(test.Classes);
            ReadOnlySpan<float> Of(int image) => probabilities.AsSpan(image * test.Classes, test.Classes);
            for (int i = 0; i < test.Count; i++) { Confusion.Add(TensorPrimitives.IndexOfMax(Of(i)), test.Labels[i]); }
            Accuracy graded = new();
            BrierScore brier = new();
            foreach (HandwrittenSum sum in sums)
            {
                int[] truth = HandwrittenSums.Split(sum.A + sum.B);
                // another number of digits cannot be the true sum
                double right = sum.Answer.Length == truth.Length ? 1 : 0;
                for (int d = 0; d < truth.Length && right > 0; d++) { right *= Of(sum.Answer[d])[truth[d]]; }
                graded.Add(right >= 0.5 ? 1 : 0, sum.Right ? 1 : 0);
                brier.Add(right, sum.Right);
                Calibration.Add(right, sum.Right);
            }
            Scores = [new("accuracy", Confusion.Accuracy), new("f1_macro", Confusion.F1(Average.Macro)), new("sums_accuracy", graded.Value), new("sums_brier", brier.Value), new("sums_ece", Calibration.Value)];
        }

        public ConfusionMatrix Confusion { get; }

        public Calibration Calibration { get; } = new();

        public Score[] Scores { get; }
    }
}
