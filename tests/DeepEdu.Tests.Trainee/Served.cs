using System.Globalization;
using DeepEdu.Io;
using DeepEdu.Nn;
using DeepEdu.Numerics;
using DeepEdu.Ops;
using DeepEdu.Tensors;

namespace DeepEdu.Tests.Trainee;

/// <summary>A model with layers of every family, out of each kind of file, asked through forward pass and sessions: what a program compiled ahead of time must answer to the same bits.</summary>
internal static class Served
{
    /// <summary>Prints one number a line, first what the model itself answers.</summary>
    public static void Print()
    {
        string folder = Directory.CreateTempSubdirectory().FullName;
        try
        {
            var x = Tensor.Normal([1, 1, 12, 16], new Rng(5));
            var model = Make(1);
            model.SaveWeights(Path.Combine(folder, "model.safetensors"));
            TorchFile.Write(Path.Combine(folder, "model.pt"), [.. model.Parameters().Select(p => (p.Name, (Tensor)p.Value)), .. model.Buffers()]);
            OnnxFile.Save(Path.Combine(folder, "model.onnx"), model, x.Shape);

            Print(model.Forward(x).ToArray());
            foreach (string file in new[] { "model.safetensors", "model.pt" })
            {
                var read = Make(2);
                read.LoadWeights(Path.Combine(folder, file));
                Print(read.Forward(x).ToArray());
            }
            Print(OnnxFile.Load(Path.Combine(folder, "model.onnx")).Forward(x).ToArray());
            foreach (var precision in new[] { WeightPrecision.Float32, WeightPrecision.Int8 })
            {
                float[] y = new float[3];
                new InferenceSession(model, x.Shape, precision).Run(x.ToArray(), y);
                Print(y);
            }
        }
        finally { Directory.Delete(folder, true); }
    }

    private static Sequential Make(ulong seed)
    {
        var rng = new Rng(seed);
        return new(new Conv2d(1, 8, 3, rng, padding: 1), new BatchNorm(8), new Relu(), new MaxPool2d(2), new Lambda(x => x.Permute(0, 2, 1, 3).Reshape([x.Shape[0], 6, 64])),
            new TransformerEncoderLayer(64, 4, rng), new LayerNorm(64), new Gru(64, 32, rng), new Lambda(x => x.Mean(1)), new Dropout(0.5f, rng), new Dense(32, 64, rng), new Gelu(), new Dense(64, 3, rng));
    }

    private static void Print(float[] numbers)
    {
        foreach (float n in numbers) { Console.WriteLine(n.ToString("R", CultureInfo.InvariantCulture)); }
    }
}
