using System.Globalization;
using DeepEdu.Data;
using DeepEdu.Nn;
using DeepEdu.Numerics;
using DeepEdu.Ops;
using DeepEdu.Optim;
using DeepEdu.Tensors;
using DeepEdu.Training;

namespace DeepEdu.Tests.Trainee;

/// <summary>A training of 20 steps through convolution, batch statistics, an LSTM, dropout and AdamW, whose losses and last weights WidthTests compares over widths of registers.</summary>
internal sealed class Widths : Module
{
    private readonly Conv2d _conv;
    private readonly BatchNorm _norm;
    private readonly Lstm _lstm;
    private readonly Dropout _dropout;
    private readonly Dense _out;

    private Widths(Rng rng) =>
        (_conv, _norm, _lstm, _dropout, _out) = (new(1, 8, 3, rng, padding: 1, bias: false), new(8), new(96, 24, rng), new(0.2f, rng), new(24, 2, rng));

    /// <summary>Prints one number a line: the loss of each epoch, then every weight of the last layer, its bias, and the running means.</summary>
    public static void Print()
    {
        var rng = new Rng(1);
        var images = Tensor.Normal([80, 1, 12, 12], new Rng(9));
        float[] means = images.Reshape([80, 144]).Mean(1).ToArray();
        Indices labels = means.Select(m => m > 0 ? 1 : 0).ToArray();
        var net = new Widths(rng);
        var trainer = new Trainer(net, new AdamW(net.Parameters()), rows => net.Forward(images.IndexSelect(0, rows)).CrossEntropy(labels.Select(rows)), new() { ClipNorm = 1, Schedule = Schedule.Cosine(1e-2, 20) });
        foreach (double loss in trainer.Fit(new Batches(80, 16, rng), 4)["loss"]) { Console.WriteLine(loss.ToString("R", CultureInfo.InvariantCulture)); }
        foreach (float w in (float[])[.. net._out.Weight.ToArray(), .. net._out.Bias!.ToArray(), .. net.Buffers()[0].Value.ToArray()]) { Console.WriteLine(w.ToString("R", CultureInfo.InvariantCulture)); }
    }

    protected override void Parts(Parts p) => p.Of(_conv).Of(_norm).Of(_lstm).Of(_dropout).Of(_out);

    private Tensor Forward(Tensor x)
    {
        var y = _norm.Forward(_conv.Forward(x)).Relu();
        return _out.Forward(_dropout.Forward(_lstm.Run(y.Permute(0, 2, 1, 3).Reshape([x.Shape[0], 12, 96])).Output.Mean(1)));
    }
}
