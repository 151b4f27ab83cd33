using System.Globalization;
using DeepEdu.Education.Data;
using DeepEdu.Education.Saved;
using DeepEdu.Io;
using DeepEdu.Numerics;
using DeepEdu.Tensors;
using TensorPrimitives = System.Numerics.Tensors.TensorPrimitives;

namespace DeepEdu.Education.Models;

/// <summary>Reads handwritten digits.</summary>
internal sealed class DigitPredictor(DigitNet network) : IPredictor
{
    public const string Kind = "digits";

    public static IPredictor Load(CheckpointFile saved)
    {
        StateDict sizes = saved.Info.Options;
        DigitNet network = new(sizes.Int("height"), sizes.Int("width"), sizes.Int("classes"), new Rng(0));
        network.LoadWeights(saved.State("network"));
        return new DigitPredictor(network);
    }

    /// <summary>What <see cref="Load"/> makes the network of.</summary>
    public static StateDict Sizes(DigitNet network) => new StateDict().Set("height", network.Height).Set("width", network.Width).Set("classes", network.Classes);

    public IEnumerable<string[]> Predict(string path, PredictOptions options)
    {
        ImageSet images = PixelSource.Read(path, network.Height, network.Width);
        float[] chances = network.Predict(images);
        yield return ["image", "digit", "chance"];
        for (int i = 0; i < images.Count; i++)
        {
            ReadOnlySpan<float> own = chances.AsSpan(i * network.Classes, network.Classes);
            int digit = TensorPrimitives.IndexOfMax(own);
            yield return [(i + 1).ToString(CultureInfo.InvariantCulture), digit.ToString(CultureInfo.InvariantCulture), own[digit].ToString("0.0000", CultureInfo.InvariantCulture)];
        }
    }
}
