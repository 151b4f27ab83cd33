using System.Globalization;
using DeepEdu.Education.Data;
using DeepEdu.Education.Saved;
using DeepEdu.Io;
using DeepEdu.Metrics;
using DeepEdu.Numerics;
using DeepEdu.Tensors;
using TensorPrimitives = System.Numerics.Tensors.TensorPrimitives;

namespace DeepEdu.Education.Models;

/// <summary>Reads handwritten digits.</summary>
internal sealed class DigitPredictor(DigitNet network, SplitConformalClassifier? sure) : IPredictor
{
    public const string Kind = "digits";

    /// <summary>How often the true digit may be missing among those that an image may show.</summary>
    public const double Alpha = 0.01;

    private const int TooFew = 99; // fewer than 1/α − 1 images give no sets
    private const string SurePart = "sure";

    public static IPredictor Load(CheckpointFile saved)
    {
        StateDict sizes = saved.Info.Options;
        DigitNet network = new(sizes.Int("height"), sizes.Int("width"), sizes.Int("classes"), new Rng(0));
        network.LoadWeights(saved.State("network"));
        return new DigitPredictor(network, saved.Parts.Contains(SurePart) ? SplitConformalClassifier.Load(saved.State(SurePart)) : null);
    }

    /// <summary>What <see cref="Load"/> makes the network of.</summary>
    public static StateDict Sizes(DigitNet network) => new StateDict().Set("height", network.Height).Set("width", network.Width).Set("classes", network.Classes);

    /// <summary>The network, and the sets if there are any.</summary>
    public static IReadOnlyList<(string, ISaveState)> Parts(DigitNet network, SplitConformalClassifier? sure) => sure is null ? [("network", network)] : [("network", network), (SurePart, sure)];

    /// <summary>Sets of digits that hold the true one, fitted on images that the network did not learn from; null if these are too few.</summary>
    public static SplitConformalClassifier? Sure(DigitNet network, ImageSet images)
        => images.Count < TooFew ? null : SplitConformalClassifier.Fit(Tensor.Of([images.Count, network.Classes], network.Predict(images)), Indices.Wrap(images.Labels, [images.Count]), Alpha);

    public IEnumerable<string[]> Predict(string path, PredictOptions options)
    {
        if (options.Explain) { throw new DataException("--explain is for essays"); }
        ImageSet images = PixelSource.Read(path, network.Height, network.Width);
        float[] chances = network.Predict(images);
        yield return ["image", "digit", "chance", "review"];
        for (int i = 0; i < images.Count; i++)
        {
            ReadOnlySpan<float> own = chances.AsSpan(i * network.Classes, network.Classes);
            int digit = TensorPrimitives.IndexOfMax(own);
            yield return [(i + 1).ToString(CultureInfo.InvariantCulture), digit.ToString(CultureInfo.InvariantCulture), own[digit].ToString("0.0000", CultureInfo.InvariantCulture), sure is null ? "" : sure.Abstains(own) ? "yes" : "no"];
        }
    }
}
