using DeepEdu.Autograd;
using DeepEdu.Io;
using DeepEdu.Nn;
using DeepEdu.Numerics;
using DeepEdu.Tensors;
using DeepEdu.Tests.Nn;

namespace DeepEdu.Tests.Io;

/// <summary>Every row of <see cref="LayerCatalog"/> as an ONNX file, read and run again by <see cref="OnnxRun"/>, and by the library's own <see cref="OnnxModel"/>.</summary>
public class OnnxCatalogTests
{
    // rows that have no ONNX operators, and what the error says
    private static readonly Dictionary<string, string> s_not = new()
    {
        ["lstm-left"] = "padding on the left", ["gru-left"] = "padding on the left", ["rnn-left"] = "padding on the left", ["gru-categories"] = "padding on the left",
        ["lstm-mask"] = "a mask of steps", ["gru-mask"] = "a mask of steps", ["rnn-mask"] = "a mask of steps", ["gru-before-mask"] = "a mask of steps", ["rnn-categories"] = "a mask of steps",
        ["lstm-pieces"] = "takes values to the host", ["gru-pieces"] = "takes values to the host", ["rnn-pieces"] = "takes values to the host",
        ["lstm-projection"] = "a projection", ["lstm-projection-categories"] = "a projection", ["lstm-coupled"] = "coupled gates", ["lstm-coupled-projection"] = "coupled gates",
        ["embedding-max-norm"] = "a greatest norm", ["embedding-max-norm-1"] = "a greatest norm", ["embedding-max-norm-inf"] = "a greatest norm", ["embedding-max-norm-3"] = "a greatest norm", ["embedding-bag-max-norm"] = "a greatest norm",
        ["embedding-bag-sum-offsets"] = "an embedding bag with offsets", ["embedding-bag-mean-offsets"] = "an embedding bag with offsets", ["embedding-bag-max-offsets"] = "an embedding bag with offsets",
        ["embedding-bag-weights-offsets"] = "whole numbers that are computed",
    };

    // rows that take their input's first axis for something else than a batch
    private static readonly string[] s_whole = ["uncertainty"];

    public static TheoryData<string> Rows => [.. LayerCatalog.All.Keys];

    [Theory]
    [MemberData(nameof(Rows))]
    public void FileComputesWhatTheLayerComputes(string name)
    {
        using var folder = new TemporaryFolder();
        string path = folder["model.onnx"];
        var golden = LayerCatalog.Golden[name];
        var layer = GoldenLayers.Load(LayerCatalog.All[name](), golden);
        bool numbers = golden.TryGetProperty("x", out var given);
        Shape shape = numbers ? GoldenLayers.Tensor(given).Shape : GoldenLayers.Indices(golden).Shape;
        void Save(OnnxOptions options)
        {
            if (numbers) { OnnxFile.Save(path, layer, shape, options); } else { OnnxFile.SaveOfIndices(path, layer, shape, options); }
        }
        if (s_not.TryGetValue(name, out string? why))
        {
            Assert.Contains(why, Assert.ThrowsAny<Exception>(() => Save(new() { BatchAxes = [] })).Message, StringComparison.Ordinal);
            Assert.Empty(folder.Files);
            return;
        }
        int? axis = s_whole.Contains(name) ? null : 0;
        try { if (axis is not null) { Save(new()); } }
        catch (InvalidOperationException e) when (e.Message.Contains("OnnxOptions.BatchAxes", StringComparison.Ordinal)) { axis = null; }
        catch (NotSupportedException e) when (e.Message.Contains("batch", StringComparison.Ordinal)) { axis = null; }
        if (axis is null) { Save(new() { BatchAxes = [] }); }
        var model = OnnxReader.Read(path);
        var again = OnnxFile.Load(path);
        Assert.Equal((8, 17), (model.IrVersion, model.Opset));
        Run(layer, model, again, numbers, shape, golden);
        if (axis is not null) { foreach (int n in (int[])[1, 4]) { Run(layer, model, again, numbers, shape.With(0, n), golden); } }
    }

    private static void Run(Layer layer, OnnxReader model, OnnxModel again, bool numbers, Shape shape, System.Text.Json.JsonElement golden)
    {
        using var mode = new Tape(training: false);
        var rng = new Rng(7);
        OnnxArray input;
        Tensor y;
        if (numbers)
        {
            var x = Tensor.Normal(shape, rng);
            input = new([.. shape.Sizes], [.. x.ToArray().Select(v => (double)v)]);
            y = layer.Forward(x);
        }
        else
        {
            int most = GoldenLayers.Indices(golden).ToArray().Max() + 1;
            var x = Indices.Uniform(shape, rng, 0, most);
            input = new([.. shape.Sizes], [.. x.ToArray().Select(v => (double)v)]);
            y = layer.Forward(x);
        }
        var result = OnnxRun.Run(model, new() { ["input"] = input }).Single();
        Assert.Equal(y.Shape.Sizes.ToArray(), result.Shape);
        GoldenLayers.Close([.. result.Values.Select(v => (float)v)], y.ToArray(), "output");
        // read again by the library itself
        var read = numbers ? again.Forward(Tensor.Of(shape, [.. input.Values.Select(v => (float)v)])) : again.Forward(Indices.Of(shape, [.. input.Values.Select(v => (int)v)]));
        GoldenLayers.Close(read.ToArray(), y.ToArray(), "read again");
    }
}
