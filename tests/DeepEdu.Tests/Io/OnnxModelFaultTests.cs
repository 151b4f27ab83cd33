using DeepEdu.Io;
using DeepEdu.Nn;
using DeepEdu.Numerics;
using DeepEdu.Ops;
using DeepEdu.Tensors;

namespace DeepEdu.Tests.Io;

/// <summary>ONNX files and inputs that are wrong, files beside the model, names, what is learned.</summary>
public class OnnxModelFaultTests
{
    private static OnnxModel Model(string name) => OnnxFile.Load(new MemoryStream(OnnxModelTests.Bytes(name)));

    /// <summary>Cut files and files with flipped bits: read, refused as broken or as not supported, and whatever is read runs or ends in an error of its own.</summary>
    [Theory]
    [InlineData("mlp")]
    [InlineData("encoder")]
    [InlineData("tagger-gru")]
    [InlineData("branches")]
    [InlineData("resize-bilinear")]
    public void CutAndFlippedFilesAreErrorsOfTheFormat(string name)
    {
        byte[] whole = OnnxModelTests.Bytes(name);
        var rng = new Rng(5);
        int refused = 0;
        for (int round = 0; round < 400; round++)
        {
            byte[] broken = whole[..(round % 4 == 0 ? rng.Next(whole.Length) : whole.Length)];
            for (int i = rng.Next(8); i >= 0 && broken.Length > 0; i--) { broken[rng.Next(broken.Length)] ^= (byte)(1 << rng.Next(8)); }
            try { OnnxFile.Load(new MemoryStream(broken)); }
            catch (Exception e) when (e is InvalidDataException or NotSupportedException) { refused++; }
        }
        Assert.InRange(refused, 100, 400);
    }

    [Fact]
    public void WhatIsNoSuchFileIsNamed()
    {
        using var folder = new TemporaryFolder();
        File.WriteAllText(folder["notes.onnx"], "not a model");
        Assert.Contains("notes.onnx: not a sound ONNX file", Assert.Throws<InvalidDataException>(() => OnnxFile.Load(folder["notes.onnx"])).Message, StringComparison.Ordinal);
        File.WriteAllText(folder["empty.onnx"], "");
        Assert.Contains("it holds no graph", Assert.Throws<InvalidDataException>(() => OnnxFile.Load(folder["empty.onnx"])).Message, StringComparison.Ordinal);
        Assert.Throws<FileNotFoundException>(() => OnnxFile.Load(folder["none.onnx"]));
        Assert.Throws<ArgumentException>(() => OnnxFile.Load(""));
    }

    [Fact]
    public void AllOperatorsThatAreNotSupportedAreNamedAtOnce()
    {
        byte[] file = new ProtoWriter().Message(8, new ProtoWriter().Number(2, 13)).Message(7, new ProtoWriter()
            .Message(1, new ProtoWriter().Text(2, "a").Text(4, "NonMaxSuppression")).Message(1, new ProtoWriter().Text(2, "b").Text(4, "FusedGelu").Text(7, "com.microsoft"))).Written.ToArray();
        Assert.Equal("onnx-model: operators that are not supported: NonMaxSuppression, com.microsoft.FusedGelu; export the model without them", Assert.Throws<NotSupportedException>(() => OnnxFile.Load(new MemoryStream(file))).Message);
    }

    [Fact]
    public void ANameThatNothingGivesIsAnError()
    {
        byte[] file = new ProtoWriter().Message(8, new ProtoWriter().Number(2, 13)).Message(7, new ProtoWriter().Message(1, new ProtoWriter().Text(1, "nowhere").Text(2, "a").Text(4, "Relu"))).Written.ToArray();
        Assert.Contains("\"nowhere\" is used before, or without, something that gives it", Assert.Throws<InvalidDataException>(() => OnnxFile.Load(new MemoryStream(file))).Message, StringComparison.Ordinal);
    }

    private static byte[] File13(params ProtoWriter[] nodes)
    {
        var port = new ProtoWriter().Text(1, "x").Message(2, new ProtoWriter().Message(1, new ProtoWriter().Number(1, 1)));
        var graph = new ProtoWriter();
        foreach (var node in nodes) { graph.Message(1, node); }
        return new ProtoWriter().Message(8, new ProtoWriter().Number(2, 13)).Message(7, graph.Message(11, port).Message(12, new ProtoWriter().Text(1, "y"))).Written.ToArray();
    }

    private static string Says<T>(Func<object> act) where T : Exception => Assert.Throws<T>(act).Message;

    // what the operators themselves would meet as an index outside an array, or as null
    [Fact]
    public void AttributesThatDoNotFitAreNamedWithTheirOperator()
    {
        // strides of a convolution: one, where the input has two axes of pixels
        var strides = new ProtoWriter().Text(1, "strides").Number(8, 2).Number(20, 7);
        var weight = new ProtoWriter().Text(4, "ConstantOfShape").Text(1, "s").Text(2, "w");
        var shape = new ProtoWriter().Text(4, "Constant").Text(2, "s").Message(5, new ProtoWriter().Text(1, "value_ints").Number(8, 1).Number(8, 1).Number(8, 1).Number(8, 1).Number(20, 7));
        var conv = new ProtoWriter().Text(4, "Conv").Text(1, "x").Text(1, "w").Text(2, "y").Message(5, strides);
        var model = OnnxFile.Load(new MemoryStream(File13(shape, weight, conv)));
        Assert.Equal("onnx-model: Conv that gives \"y\": its attributes and inputs do not fit together: [1,1,4,4], [1,1,1,1], strides = [2]", Says<InvalidDataException>(() => model.Run(Tensor.Ones([1, 1, 4, 4]))));
        Assert.Contains("If that gives \"y\" lacks a branch", Says<InvalidDataException>(() => OnnxFile.Load(new MemoryStream(File13(new ProtoWriter().Text(4, "If").Text(1, "x").Text(2, "y"))))), StringComparison.Ordinal);
        Assert.Contains("a constant gives 0 results, not 1", Says<InvalidDataException>(() => OnnxFile.Load(new MemoryStream(File13(new ProtoWriter().Text(4, "Constant"))))), StringComparison.Ordinal);
    }

    [Fact]
    public void InputsThatDoNotFitAreNamed()
    {
        var mlp = Model("mlp");
        Assert.Equal("onnx-model: the input x0 [?,4] is given [2,5]", Assert.Throws<ShapeException>(() => mlp.Forward(Tensor.Ones([2, 5]))).Message);
        Assert.Equal("onnx-model: the input x0 [?,4] is given [4]", Assert.Throws<ShapeException>(() => mlp.Forward(Tensor.Ones([4]))).Message);
        Assert.Contains("use Run", Assert.Throws<InvalidOperationException>(() => mlp.Forward(Indices.Arange(4))).Message, StringComparison.Ordinal);
        Assert.Contains("takes numbers, not indices", Assert.Throws<ArgumentException>(() => mlp.Run(Indices.Full([1, 4], 1))).Message, StringComparison.Ordinal);
        Assert.Contains("2 inputs, but the model takes 1: x0 [?,4]", Assert.Throws<ArgumentException>(() => mlp.Run(Tensor.Ones([1, 4]), Tensor.Ones([1]))).Message, StringComparison.Ordinal);
        Assert.Contains("\"y\" is no input; the model takes x0 [?,4]", Assert.Throws<ArgumentException>(() => mlp.Run(("y", Tensor.Ones([1, 4])))).Message, StringComparison.Ordinal);
        Assert.Contains("is there twice", Assert.Throws<ArgumentException>(() => mlp.Run(("x0", Tensor.Ones([1, 4])), ("x0", Tensor.Ones([1, 4])))).Message, StringComparison.Ordinal);
        Assert.Contains("no value for the input x0", Assert.Throws<ArgumentException>(() => mlp.Run(default(OnnxArgument))).Message, StringComparison.Ordinal);
        var results = mlp.Run(("x0", Tensor.Ones([1, 4])));
        Assert.Contains("there is no result \"z\"; there are y0", Assert.Throws<KeyNotFoundException>(() => results["z"]).Message, StringComparison.Ordinal);
        Assert.Throws<ArgumentOutOfRangeException>(() => results[1]);
        Assert.Throws<InvalidOperationException>(() => results.Indices("y0"));
        // inside, the operator is named
        Assert.StartsWith("onnx-model: ", Assert.Throws<ShapeException>(() => Model("transformer-layer").Run(Tensor.Ones([2, 5, 9]))).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void PortsSayWhatGoesInAndComesOut()
    {
        var model = Model("encoder");
        Assert.Equal("x0 [?,?], whole", Assert.Single(model.Inputs).ToString());
        Assert.Equal("y0 [?,2]", Assert.Single(model.Outputs).ToString());
        Assert.StartsWith("pytorch 1.13", model.Producer, StringComparison.Ordinal);
        Assert.Equal(13, model.Opset);
        var best = Model("reductions").Run(Tensor.Normal([2, 3, 4], new(1)));
        Assert.Equal([2, 4], best.Indices("y8").Shape.Sizes.ToArray());
    }

    [Fact]
    public void NumbersBesideTheModelAreReadFromItsFolderAlone()
    {
        using var folder = new TemporaryFolder();
        Directory.CreateDirectory(folder["in"]);
        byte[] numbers = [.. BitConverter.GetBytes(7f), .. BitConverter.GetBytes(2f), .. BitConverter.GetBytes(3f)];
        File.WriteAllBytes(folder["in/weights.bin"], numbers);
        File.WriteAllBytes(folder["outside.bin"], numbers);
        OnnxModel Load(string location, string offset, string length)
        {
            var constant = new ProtoWriter().Number(1, 2).Number(2, 1).Text(8, "w").Number(14, 1);
            foreach (var (key, value) in ((string, string)[])[("location", location), ("offset", offset), ("length", length)]) { constant.Message(13, new ProtoWriter().Text(1, key).Text(2, value)); }
            var port = new ProtoWriter().Text(1, "x").Message(2, new ProtoWriter().Message(1, new ProtoWriter().Number(1, 1)));
            var graph = new ProtoWriter().Message(1, new ProtoWriter().Text(1, "x").Text(1, "w").Text(2, "y").Text(4, "Mul")).Message(5, constant).Message(11, port).Message(12, new ProtoWriter().Text(1, "y"));
            File.WriteAllBytes(folder["in/m.onnx"], new ProtoWriter().Message(8, new ProtoWriter().Number(2, 13)).Message(7, graph).Written.ToArray());
            return OnnxFile.Load(folder["in/m.onnx"]);
        }
        Assert.Equal([4, 6], Load("weights.bin", "4", "8").Forward(Tensor.Of([2], [2, 2])).ToArray());
        Assert.Contains("not inside the model's folder", Assert.Throws<InvalidDataException>(() => Load("../outside.bin", "0", "8")).Message, StringComparison.Ordinal);
        Assert.Contains("not inside the model's folder", Assert.Throws<InvalidDataException>(() => Load(folder["outside.bin"], "0", "8")).Message, StringComparison.Ordinal);
        Assert.Contains("no such file beside the model", Assert.Throws<InvalidDataException>(() => Load("gone.bin", "0", "8")).Message, StringComparison.Ordinal);
        Assert.Contains("it needs 8", Assert.Throws<InvalidDataException>(() => Load("weights.bin", "8", "8")).Message, StringComparison.Ordinal);
        Assert.Contains("it needs 8", Assert.Throws<InvalidDataException>(() => Load("weights.bin", "0", "12")).Message, StringComparison.Ordinal);
        Assert.Contains("offset \"-4\"", Assert.Throws<InvalidDataException>(() => Load("weights.bin", "-4", "8")).Message, StringComparison.Ordinal);
        Assert.Contains("read the model by its path", Assert.Throws<InvalidDataException>(() => { Load("weights.bin", "4", "8"); using var file = File.OpenRead(folder["in/m.onnx"]); OnnxFile.Load(file); }).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void WeightsAreParametersAndTheRestIsNot()
    {
        var names = Model("encoder").Parameters().Select(p => p.Name).ToArray();
        Assert.Contains("t.weight", names);
        Assert.Contains("n1.weight", names);
        Assert.Contains("out.bias", names);
        Assert.Equal(["2.weight"], OnnxFile.Load(new MemoryStream(OnnxModelTests.Bytes("mlp")), n => n == "2.weight").Parameters().Select(p => p.Name));

        // batch normalisation's statistics are buffers, and all of it is saved and loaded by name
        using var folder = new TemporaryFolder();
        var rng = new Rng(3);
        OnnxFile.Save(folder["m.onnx"], new Sequential(new Conv2d(1, 3, 3, rng), new BatchNorm(3), new Relu(), new Flatten(), new Dense(48, 2, rng)), [2, 1, 6, 6]);
        OnnxModel a = OnnxFile.Load(folder["m.onnx"]), b = OnnxFile.Load(folder["m.onnx"]);
        var x = Tensor.Normal([2, 1, 6, 6], rng);
        foreach (var (_, p) in a.Parameters()) { p.AsSpan()[0] += 1; }
        Assert.NotEqual(a.Forward(x).ToArray(), b.Forward(x).ToArray());
        a.Save(folder["m.ckpt"]);
        b.Load(folder["m.ckpt"]);
        Assert.Equal(a.Forward(x).ToArray(), b.Forward(x).ToArray());
        // and it can be written again
        OnnxFile.Save(folder["again.onnx"], a, [2, 1, 6, 6]);
        GoldenClose(a.Forward(x).ToArray(), OnnxFile.Load(folder["again.onnx"]).Forward(x).ToArray());
    }

    // the same operations in another order of rows: 1e-5 of the largest
    private static void GoldenClose(float[] want, float[] got)
    {
        for (int i = 0; i < want.Length; i++) { Assert.True(Math.Abs(want[i] - got[i]) <= 1e-5f * want.Max(Math.Abs), $"{i}: {want[i]}, {got[i]}"); }
    }

    [Fact]
    public void ManyThreadsRunOneModel()
    {
        var model = Model("tagger-gru");
        float[] want = model.Forward(Indices.Full([2, 4], 3)).ToArray();
        Parallel.For(0, 32, _ => Assert.Equal(want, model.Forward(Indices.Full([2, 4], 3)).ToArray()));
    }
}
