using DeepEdu.Devices;
using DeepEdu.Education.Data;
using DeepEdu.Memory;
using DeepEdu.Nn;
using DeepEdu.Numerics;
using DeepEdu.Ops;
using DeepEdu.Tensors;
using TensorPrimitives = System.Numerics.Tensors.TensorPrimitives;

namespace DeepEdu.Education.Models;

/// <summary>Two convolutions with max pooling and two dense layers (after LeCun et al. 1998, with ReLU and dropout): grey images [n, 1, height, width] → logits [n, classes].</summary>
internal sealed class DigitNet(int height, int width, int classes, Rng rng, float drop = DigitNet.Drop) : Module
{
    /// <summary>The share of values left out while learning, unless another is given.</summary>
    public const float Drop = 0.5f;

    private const int PredictBatch = 500;
    private readonly Sequential _layers = new(
        new Conv2d(1, 16, 3, rng, padding: 1, init: Init.KaimingNormal()), new Relu(), new MaxPool2d(2),
        new Conv2d(16, 32, 3, rng, padding: 1, init: Init.KaimingNormal()), new Relu(), new MaxPool2d(2),
        new Flatten(),
        new Dense(32 * (height / 4) * (width / 4), 128, rng, init: Init.KaimingNormal()), new Relu(), new Dropout(drop, rng),
        new Dense(128, classes, rng));

    public int Height => height;

    public int Width => width;

    public int Classes => classes;

    public Tensor Forward(Tensor images) => _layers.Forward(images);

    /// <summary>Class probabilities of any number of images, one after another.</summary>
    public float[] Predict(ImageSet images)
    {
        Device device = Parameters()[0].Value.Device;
        float[] all = new float[images.Count * classes];
        for (int from = 0; from < images.Count; from += PredictBatch)
        {
            int n = Math.Min(PredictBatch, images.Count - from);
            using Arena arena = new();
            var x = Tensor.Of([n, 1, height, width], images.Pixels.AsSpan(from * images.Size, n * images.Size), device);
            Forward(x).Softmax().To(CpuDevice.Instance).AsSpan().CopyTo(all.AsSpan(from * classes));
        }
        TensorPrimitives.Min(all, 1f, all); // rounding may leave a bit more
        return all;
    }

    protected override void Parts(Parts p) => p.Of(_layers);
}
