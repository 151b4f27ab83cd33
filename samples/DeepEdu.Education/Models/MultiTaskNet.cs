using DeepEdu.Nn;
using DeepEdu.Numerics;
using DeepEdu.Tensors;

namespace DeepEdu.Education.Models;

/// <summary>A trunk that all tasks share, and one linear head a task: Caruana 1997, "Multitask Learning". With one head it is that task's own network.</summary>
internal sealed class MultiTaskNet : Module
{
    private readonly Layer _trunk;
    private readonly Dense[] _heads;

    /// <summary>A network whose trunk gives rows of <paramref name="width"/> values.</summary>
    public MultiTaskNet(Layer trunk, int width, IEnumerable<int> outputs, Rng rng)
    {
        _trunk = trunk;
        _heads = [.. outputs.Select(o => new Dense(width, o, rng))];
    }

    /// <summary>For each head [rows, outputs]: a standardised value, or logits.</summary>
    public Tensor[] Forward(Tensor x)
    {
        Tensor shared = _trunk.Forward(x);
        return Array.ConvertAll(_heads, h => h.Forward(shared));
    }

    /// <summary>Values a row of the two trunks.</summary>
    public const int DenseWidth = 16, ConvWidth = 64;

    /// <summary>For tables: [rows, columns] → [rows, 16].</summary>
    public static Layer DenseTrunk(int columns, float dropout, Rng rng)
        => new Sequential(new Dense(columns, 32, rng), new Relu(), new Dropout(dropout, rng), new Dense(32, DenseWidth, rng), new Relu(), new Dropout(dropout, rng));

    /// <summary>For grey images: [rows, 1, height, width] → [rows, 64].</summary>
    public static Layer ConvTrunk(int height, int width, Rng rng)
        => new Sequential(
            new Conv2d(1, 16, 3, rng, padding: ConvPadding.Same), new Relu(), new MaxPool2d(2),
            new Conv2d(16, 32, 3, rng, padding: ConvPadding.Same), new Relu(), new MaxPool2d(2),
            new Flatten(), new Dense(32 * (height / 4) * (width / 4), ConvWidth, rng), new Relu());

    protected override void Parts(Parts p) => p.Of(_trunk).Of(_heads);
}
