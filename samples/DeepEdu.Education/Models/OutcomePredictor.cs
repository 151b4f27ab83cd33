using System.Globalization;
using DeepEdu.Education.Data;
using DeepEdu.Education.Saved;
using DeepEdu.Io;
using DeepEdu.Nn;
using DeepEdu.Numerics;
using DeepEdu.Tensors;
using TensorPrimitives = System.Numerics.Tensors.TensorPrimitives;

namespace DeepEdu.Education.Models;

/// <summary>The shared networks of all folds, learned with the same things known.</summary>
/// <param name="Known">Columns that are known beside the features; value heads predict the difference to the last one.</param>
/// <param name="Outcomes">What the networks predict.</param>
/// <param name="Folds">A committee a fold, and the scale that its rows were brought to; images have none.</param>
internal sealed record OutcomeSetting(string[] Known, Outcome[] Outcomes, IReadOnlyList<(ColumnScaler? Scaler, Committee Committee)> Folds) : ISaveState
{
    public void SaveState(StateDict to)
    {
        to.Set("known", Known).Set("names", [.. Outcomes.Select(o => o.Name)]).Set("kinds", [.. Outcomes.Select(o => (long)o.Kind)]).Set("outputs", [.. Outcomes.Select(o => (long)o.Outputs)]).Set("folds", Folds.Count);
        for (int f = 0; f < Folds.Count; f++)
        {
            if (Folds[f].Scaler is { } scaler) { to.Set($"scaler.{f}", scaler); }
            to.Set($"committee.{f}", Folds[f].Committee);
        }
    }

    /// <summary>The setting that was saved.</summary>
    /// <param name="from">Its state.</param>
    /// <param name="images">Height and width where rows are images; null for tables.</param>
    public static OutcomeSetting Load(StateDict from, (int Height, int Width)? images)
    {
        long[] kinds = from.Longs("kinds"), outputs = from.Longs("outputs");
        Outcome[] outcomes = [.. from.Texts("names").Select((name, h) => new Outcome(name, (HeadKind)kinds[h], (int)outputs[h]))];
        return new(from.Texts("known"), outcomes, [.. Enumerable.Range(0, from.Int("folds")).Select(f =>
        {
            ColumnScaler? scaler = images is null ? ColumnScaler.Load(from.Part($"scaler.{f}")) : null;
            Committee committee = new(outcomes, new (float, float)[outcomes.Length], _ =>
            {
                Rng any = new(0);
                Layer trunk = images is { } size ? MultiTaskNet.ConvTrunk(size.Height, size.Width, any) : MultiTaskNet.DenseTrunk(scaler!.Width, 0, any);
                return new(trunk, images is null ? MultiTaskNet.DenseWidth : MultiTaskNet.ConvWidth, outcomes.Select(o => o.Outputs), any);
            });
            committee.LoadState(from.Part($"committee.{f}"));
            return (scaler, committee);
        })]);
    }
}

/// <summary>Tells of learners in a table, or of images, everything that the shared network has learned: the mean over the folds' networks.</summary>
internal sealed class OutcomePredictor : IPredictor
{
    public const string Kind = "outcomes";
    private readonly OutcomeSetting[] _settings;
    private readonly LearnerColumns? _columns;
    private readonly (int Height, int Width)? _images;

    private OutcomePredictor(CheckpointFile saved)
    {
        StateDict options = saved.Info.Options;
        if (options.Has("height")) { _images = (options.Int("height"), options.Int("width")); }
        else { _columns = LearnerColumns.Load(saved.State("columns")); }
        _settings = [.. Enumerable.Range(0, options.Int("settings")).Select(s => OutcomeSetting.Load(saved.State($"setting-{s}"), _images))];
    }

    public static IPredictor Load(CheckpointFile saved) => new OutcomePredictor(saved);

    /// <summary>What the constructor takes of a table's model.</summary>
    public static StateDict Sizes(IReadOnlyCollection<OutcomeSetting> settings) => new StateDict().Set("settings", settings.Count);

    public IEnumerable<string[]> Predict(string path, PredictOptions options)
    {
        var (setting, values) = _images is { } size ? (_settings[0], OfImages(path, size)) : OfTable(path);
        yield return ["row", .. setting.Outcomes.SelectMany(o => o.Kind == HeadKind.Class ? (string[])[o.Name, $"{o.Name}_chance"] : [o.Name])];
        int rows = values[0].Length / setting.Outcomes[0].Outputs;
        for (int r = 0; r < rows; r++)
        {
            yield return [(r + 1).ToString(CultureInfo.InvariantCulture), .. setting.Outcomes.SelectMany((o, h) => Told(o, values[h].AsSpan(r * o.Outputs, o.Outputs)))];
        }
    }

    private static string[] Told(Outcome outcome, ReadOnlySpan<float> values)
    {
        string Text(float value) => value.ToString("0.000", CultureInfo.InvariantCulture);
        if (outcome.Kind != HeadKind.Class) { return [Text(values[0])]; }
        int best = TensorPrimitives.IndexOfMax(values);
        return [best.ToString(CultureInfo.InvariantCulture), Text(values[best])];
    }

    private float[][] OfImages(string path, (int Height, int Width) size)
    {
        ImageSet images = PixelSource.Read(path, size.Height, size.Width);
        return Mean(_settings[0], _ => Tensor.Of([images.Count, 1, size.Height, size.Width], images.Pixels));
    }

    /// <summary>By the setting that knows most of what the table has.</summary>
    private (OutcomeSetting, float[][]) OfTable(string path)
    {
        TypedTable table = TypedTable.Read(path, TableFormat.Of(path));
        OutcomeSetting setting = _settings.Where(s => s.Known.All(k => table.Columns.Any(c => c.Name == k))).MaxBy(s => s.Known.Length)
            ?? throw DataException.At(path, 1, $"no column '{_settings[0].Known[0]}' in the header.");
        float[] features = _columns!.Read(table);
        float[][] known = [.. setting.Known.Select(k => Known(table, k))];
        int width = _columns.FeatureNames.Length;
        float[] all = [.. Enumerable.Range(0, table.Rows).SelectMany(r => (float[])[.. features.AsSpan(r * width, width), .. known.Select(k => k[r])])];
        float[][] means = Mean(setting, scaler => Tensor.Of([table.Rows, scaler!.Width], scaler.Apply(all)));
        if (known.Length > 0)
        {
            foreach (float[] values in means.Where((_, h) => setting.Outcomes[h].Kind == HeadKind.Value)) { TensorPrimitives.Add(values, known[^1], values); }
        }
        return (setting, means);
    }

    private static float[] Known(TypedTable table, string column)
    {
        float[] numbers = table[column].Numbers ?? throw DataException.At(table.Path, table.Lines[0], $"{column} is not a number.");
        return Array.FindIndex(numbers, float.IsNaN) is var missing and >= 0
            ? throw DataException.At(table.Path, table.Lines[missing], $"{column} is missing; without this column in the table, it is told too.") : numbers;
    }

    private static float[][] Mean(OutcomeSetting setting, Func<ColumnScaler?, Tensor> rows)
    {
        float[][]? sums = null;
        foreach (var (scaler, committee) in setting.Folds)
        {
            float[][] own = committee.Predict(rows(scaler));
            sums ??= Array.ConvertAll(own, o => new float[o.Length]);
            for (int h = 0; h < own.Length; h++) { TensorPrimitives.MultiplyAdd(own[h], 1f / setting.Folds.Count, sums[h], sums[h]); }
        }
        return sums!;
    }
}
