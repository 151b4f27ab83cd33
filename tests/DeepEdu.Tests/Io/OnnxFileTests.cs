using System.Runtime.InteropServices;
using DeepEdu.Autograd;
using DeepEdu.Io;
using DeepEdu.Lanes;
using DeepEdu.Nn;
using DeepEdu.Numerics;
using DeepEdu.Ops;
using DeepEdu.Tensors;
using DeepEdu.Tests.Nn;
using FsCheck;
using FsCheck.Fluent;

namespace DeepEdu.Tests.Io;

/// <summary>ONNX files of whole models: several inputs and results, forward passes of one's own, options, names, bytes, and what is refused.</summary>
public class OnnxFileTests
{
    private static readonly Rng s_rng = new(3);

    /// <summary>A formula without numbers is one byte that holds anything, and one behind it starts after three more.</summary>
    [Fact]
    public void FormulasAreComparedByTheirNumbersAlone()
    {
        Assert.True(Same<Comparisons.EqualFormula>(1, 2));
        Assert.True(Same<Comparisons.WithFormula<Comparisons.EqualFormula>>(1, 2));
        Assert.False(OnnxTranslator.HaveSameNumbers(new Comparisons.WithFormula<Comparisons.EqualFormula>(default, 3), new(default, 4)));
        Assert.True(OnnxTranslator.HaveSameNumbers(new Arithmetic.DivideFormula(float.NaN), new(float.NaN)));

        static bool Same<F>(byte a, byte b) where F : unmanaged
        {
            F one = default, other = default;
            // the first byte is none of a number's: those start at the fourth
            (MemoryMarshal.AsBytes(new Span<F>(ref one))[0], MemoryMarshal.AsBytes(new Span<F>(ref other))[0]) = (a, b);
            return OnnxTranslator.HaveSameNumbers(one, other);
        }
    }

    /// <summary>A recurrent layer that runs over a table's rows is written as the two layers, also where a session would multiply the whole table first.</summary>
    [Fact]
    public void WordsOfATableAreLookedUpAndRead()
    {
        var (table, lstm) = (new Embedding(3, 4, s_rng), new Lstm(4, 5, s_rng));
        Same(new Sequential(table, lstm), x => [lstm.Run(table, x.Whole([2, 9])).Output], below: 3);
    }

    [Fact]
    public void LengthsAreAnInput()
    {
        foreach (bool both in (bool[])[false, true])
        {
            Lstm lstm = new(3, 4, s_rng, layers: 2, bidirectional: both);
            Gru gru = new(3, 4, s_rng, bidirectional: both, resetBefore: both), before = new(3, 4, s_rng, bidirectional: both, resetBefore: !both);
            var model = new Pair(lstm, gru, before);
            Same(model, x =>
            {
                var (a, n) = (x.Numbers([2, 5, 3]), x.Whole([2]));
                var (y, state) = lstm.Run(a, lengths: n);
                return [y, state.H, state.C, gru.Run(a, lengths: n).Output, before.Run(a, lengths: n).Output];
            }, below: 6, new() { InputNames = ["x", "lengths"], OutputNames = ["y", "h", "c", "gru", "before"] });
        }
    }

    [Fact]
    public void TimeMajorBatchIsWhereItIsSaid()
    {
        var lstm = new Lstm(3, 4, s_rng, bidirectional: true, batchFirst: false, merge: BidirectionalMerge.Average);
        Same(lstm, x => [lstm.Forward(x.Numbers([5, 2, 3], batch: 1))], options: new() { BatchAxes = [1] });
    }

    [Fact]
    public void StatesGoInAndOut()
    {
        var gru = new Gru(2, 3, s_rng, layers: 2);
        Same(gru, x =>
        {
            var (y, h) = gru.Run(x.Numbers([2, 4, 2]), x.Numbers([2, 2, 3], batch: 1));
            return [y, h];
        }, options: new() { BatchAxes = [0, 1] });
    }

    [Fact]
    public void ForwardOfOnesOwnIsExported()
    {
        var model = new Own(s_rng);
        Same(model, x => [model.Forward(x.Whole([2, 6]), x.Numbers([2, 3]))], below: 9);
    }

    [Fact]
    public void CausalModelOfTokensWithPadding()
    {
        var table = new Embedding(9, 8, s_rng);
        var body = new TransformerEncoder(() => new(8, 2, s_rng, hidden: 12, activation: new Gelu(), rotary: new(6, 4)), 2, new LayerNorm(8));
        var head = new Dense(8, 9, s_rng);
        var model = new Sequential(table, new Lambda(x => body.Forward(x, AttentionMask.Past)), head);
        Same(model, x => [head.Forward(body.Forward(table.Forward(x.Whole([2, 6])), AttentionMask.Past with { Lengths = x.Whole([2]) }))], below: 6);
    }

    [Fact]
    public void PoolingOverLengthsIsExported()
    {
        var mean = new MeanOverTime();
        var most = new MaxOverTime();
        Same(mean, x =>
        {
            var (a, n) = (x.Numbers([2, 5, 3]), x.Whole([2]));
            return [mean.Forward(a, n), most.Forward(a, n)];
        }, below: 6);
    }

    [Fact]
    public void FormulasAndReductionsOfOnesOwnBecomeNodes() => Same(new Dense(1, 1, s_rng), x =>
    {
        var a = x.Numbers([2, 4]);
        return [a.Map(default(Bump)), a.Zip(a.Exp(), default(Mix), "mix"), a.LogSumExp(1), a.Var(1), a.Pow(3f), a.Abs().Pow(1.7f), a.CumSum(1), a.Clamp(-1, 0.5f), a.Sin() + a.Cos().Floor()];
    });

    [Fact]
    public void MovesAreExported() => Same(new Dense(1, 1, s_rng), x =>
    {
        Tensor a = x.Numbers([2, 4, 6]), b = x.Numbers([2, 4, 1, 1]);
        return
        [
            b.Reshape(-1, 1, 4, 1).Upsample2d((8, 1)), b.Reshape(-1, 1, 2, 2).Upsample2d((3, 4), ResizeMode.Linear),
            a.Permute(0, 2, 1), a.Permute(2, 0, 1), a[.., 1.., 2..5], a.Narrow(1, 1, 2), a.Flip(1), a.Flip(2, 0), a.Pad([(1, 2), (0, 3)], value: 7), a.Pad([(2, 2)], PadMode.Reflect), a.Roll(2, 2), a.Unfold(2, 3, 2),
            Tensor.Concat([a, a * 2, a.Narrow(1, 0, 1)], 1), Tensor.Stack([a, -a], 3), a.Repeat(1, 2, 1), a.RepeatInterleave(2, 0), a.Mean(0), a.Sum([0, 2], keepDims: true), a - a.Max(2, keepDims: true),
            a.Reshape(-1, 3, 8), a.IndexSelect(2, Indices.Of(5, 0, 0)), a.Mean(), a.MatMul(a, transB: true), Tensor.Einsum("bij,bik->bjk", a, a), a.Tril(1), Tensor.Zeros(a.Shape) + 1 + a[.., 0..1],
        ];
    });

    [Fact]
    public void OperationsAreExported() => Same(new Dense(1, 1, s_rng), x =>
    {
        Tensor a = x.Numbers([2, 4]), b = x.Numbers([2, 4]), wide = x.Numbers([2, 5, 4]), column = x.Numbers([2, 3, 1]);
        return
        [
            a.Greater(b), a.Less(b), a.Equal(a), a.NotEqual(b), a.GreaterOrEqual(b), a.LessOrEqual(b), Tensor.Maximum(a, b), Tensor.Minimum(a, b), a.MaskedFill(a.Greater(0), -1), a.Atan2(b), a.Remainder(0.7f), (a * 3).Round(),
            a.Silu(), a.Mish(), a.LogSigmoid(), a.Expm1(), a.Sign(), a.Tanh().Erf(), a.Norm(2, 1), a.Std(1), a.Prod(1), a.Min(1), a.ArgMax(1).ToTensor(), wide[.., 1..4, ^3..], wide.CDist(column.Repeat(1, 1, 4)),
            column * wide[.., 0..1], (a.Unsqueeze(0) - a.Unsqueeze(1)).Square().Sum(2), a.CumSum(0), a.Softmax(0), a.Flip(0), a[0], a.T, a.Repeat(2, 1), a + Tensor.Ones([a.Shape[0], 4]), x.Whole([2, 3]).OneHot(5),
            b.Sort(1).Values, b.TopK(2, 1, largest: false).Indices.ToTensor(), b.Sort(0, descending: true).Values, b.Gather(0, a.ArgSort(0)), wide.IndexAdd(1, Indices.Of(4, 0, 4), column.Repeat(1, 1, 4)), a.MaxWithIndices(0).Values,
        ];
    }, below: 5);

    [Fact]
    public void SizesThatAreNoMultipleOfTheBatchStayOpen()
    {
        Same(new Dense(1, 1, s_rng), x =>
        {
            var a = x.Numbers([2, 4]);
            return [Tensor.Concat([a, Tensor.Ones([1, 4])]), a.MatMul(a, transB: true).Flatten(), Tensor.Concat([a, a])];
        });
        using var folder = new TemporaryFolder();
        OnnxFile.Save(folder["a.onnx"], new Dense(1, 1, s_rng), x => Tensor.Concat([x.Tensor([1, 4]), Tensor.Ones([1, 4])]));
        Assert.Equal(["", "4"], OnnxReader.Read(folder["a.onnx"]).Outputs[0].Shape);
    }

    [Fact]
    public void ConvolutionsAndPoolsOfAnyOptions() => Properties.Hold(30, Prop.ForAll(Gen.Choose(0, 1 << 20).ToArbitrary(), seed =>
    {
        var rng = new Rng((ulong)seed);
        int groups = rng.Next(1, 3), inputs = groups * rng.Next(1, 3), outputs = groups * rng.Next(1, 3), stride = rng.Next(1, 3), dilation = rng.Next(1, 3), kernel = rng.Next(1, 4), h = rng.Next(7, 10), w = rng.Next(7, 10);
        ConvPadding padding = rng.Next(3) switch { 0 => ConvPadding.Same, 1 => ConvPadding.Valid, _ => rng.Next(3) };
        Layer[] layers = [new Conv2d(inputs, outputs, kernel, rng, stride, padding, dilation, groups, bias: rng.Next(2) == 0), new AvgPool2d(2, rng.Next(1, 3), rng.Next(2), rng.Next(2) == 0, rng.Next(2) == 0)];
        var model = new Sequential(layers);
        Same(model, x => [model.Forward(x.Numbers([2, inputs, h, w]))]);
        var line = new Sequential(new Conv1d(inputs, outputs, kernel, rng, stride, rng.Next(2) == 0 ? ConvPadding.Causal : padding, dilation, groups), new MaxPool1d(3, rng.Next(1, 4), rng.Next(2), ceilMode: rng.Next(2) == 0));
        Same(line, x => [line.Forward(x.Numbers([2, inputs, 12]))]);
    }));

    /// <summary>An axis of one number is an axis all the same: without one a mean would be over all.</summary>
    [Fact]
    public void RowsOfOneNumberAreNormalised()
    {
        foreach (Layer norm in (Layer[])[new LayerNorm(1), new RmsNorm(1)])
        {
            Same(norm, x => [norm.Forward(x.Numbers([2, 3, 1])), norm.Forward(x.Numbers([2, 1])), norm.Forward(x.Numbers([2, 3]).Sum().Reshape(1, 1))]);
        }
    }

    [Fact]
    public void WeightsHaveTheirNamesAndInputsTheirs()
    {
        using var folder = new TemporaryFolder();
        var model = new Sequential(new Dense(3, 4, s_rng), new Relu(), new Sequential(new Dense(4, 2, s_rng)));
        OnnxFile.Save(folder["a.onnx"], model, [7, 3], new() { InputNames = ["features"], OutputNames = ["logits"] });
        OnnxFile.Save(folder["b.onnx"], model, [1, 3], new() { InputNames = ["features"], OutputNames = ["logits"] });
        Assert.Equal(File.ReadAllBytes(folder["a.onnx"]), File.ReadAllBytes(folder["b.onnx"]));
        Assert.Equal(["a.onnx", "b.onnx"], folder.Files);
        var file = OnnxReader.Read(folder["a.onnx"]);
        Assert.Equal(OnnxFile.Opset, file.Opset);
        Assert.Equal(("features", 1L, "batch,3"), (file.Inputs[0].Name, file.Inputs[0].Type, string.Join(',', file.Inputs[0].Shape)));
        Assert.Equal(("logits", 1L, "batch,2"), (file.Outputs[0].Name, file.Outputs[0].Type, string.Join(',', file.Outputs[0].Shape)));
        foreach (var (name, value) in model.Parameters()) { Assert.Equal(value.ToArray().Select(v => (double)v), file.Constants[name].Values); }
        Assert.Equal(["Gemm", "Relu", "Gemm", "Identity"], file.Nodes.Select(n => n.Op));
    }

    [Fact]
    public void OneBatchIsKeptWhereItMustBe()
    {
        using var folder = new TemporaryFolder();
        var dense = new Dense(12, 2, s_rng);
        Tensor Forward(InferenceInputs x) => dense.Forward(x.Tensor([1, 3, 4]).Reshape(1, 12));
        var e = Assert.Throws<InvalidOperationException>(() => OnnxFile.Save(folder["a.onnx"], dense, Forward));
        Assert.Contains("OnnxOptions.BatchAxes", e.Message, StringComparison.Ordinal);
        OnnxFile.Save(folder["a.onnx"], dense, Forward, new() { BatchAxes = [] });
        Assert.Equal(["1", "3", "4"], OnnxReader.Read(folder["a.onnx"]).Inputs[0].Shape);
    }

    [Fact]
    public void WhatCannotBeWrittenIsNamed()
    {
        using var folder = new TemporaryFolder();
        File.WriteAllText(folder["a.onnx"], "before");
        var model = new Sequential(new Dense(3, 4, s_rng), new Sequential(new Lambda(x => x.CumProd(1), "Products")));
        var e = Assert.Throws<NotSupportedException>(() => OnnxFile.Save(folder["a.onnx"], model, [1, 3]));
        Assert.StartsWith("onnx-file: layer \"1.0\" (Products), where \"0.bias\" was the last weight read: the operation \"running product\" cannot be written as ONNX; ", e.Message, StringComparison.Ordinal);
        Assert.Contains("docs/files.md", e.Message, StringComparison.Ordinal);
        var coupled = new Lstm(3, 4, s_rng, coupled: true);
        Assert.Contains("\"weight_hh_l0\" was the last weight read: an LSTM with coupled gates cannot be written", Assert.Throws<NotSupportedException>(() => OnnxFile.Save(folder["a.onnx"], coupled, [1, 2, 3])).Message, StringComparison.Ordinal);
        var host = new Lambda(x => x * x.Sum().Item());
        Assert.StartsWith("onnx-file: the forward pass takes values to the host", Assert.Throws<InvalidOperationException>(() => OnnxFile.Save(folder["a.onnx"], host, [1, 3])).Message, StringComparison.Ordinal);
        var size = new Lambda(x => x / x.Shape[0]);
        Assert.Contains("the size of the batch", Assert.Throws<NotSupportedException>(() => OnnxFile.Save(folder["a.onnx"], size, [1, 3])).Message, StringComparison.Ordinal);
        var table = new Embedding(5, 2, s_rng);
        Assert.Contains("whole numbers that are computed from others on the host", Assert.Throws<NotSupportedException>(() => OnnxFile.Save(folder["a.onnx"], table, x => table.Forward(x.Indices([1, 3]) / 2))).Message, StringComparison.Ordinal);
        Assert.Throws<ArgumentException>(() => OnnxFile.Save(folder["a.pt"], model, [1, 3]));
        Assert.Throws<ArgumentException>(() => OnnxFile.Save(folder["a.onnx"], table, x => table.Forward(x.Indices([1, 3])), new() { InputNames = ["weight"] }));
        Assert.Throws<ArgumentException>(() => OnnxFile.Save(folder["a.onnx"], new Dense(3, 1, s_rng), [1, 3], new() { InputNames = ["a", "b"] }));
        Assert.Throws<ArgumentException>(() => OnnxFile.Save(folder["a.onnx"], new Dense(3, 1, s_rng), [1, 3], new() { BatchAxes = [2] }));
        Assert.StartsWith("onnx-file: 2 batch axes, but the forward pass asks for 1 inputs", Assert.Throws<ArgumentException>(() => OnnxFile.Save(folder["a.onnx"], new Dense(3, 1, s_rng), [1, 3], new() { BatchAxes = [0, 0] })).Message, StringComparison.Ordinal);
        Assert.Contains("on the axes given", Assert.Throws<InvalidOperationException>(() => OnnxFile.Save(folder["a.onnx"], new Dense(3, 1, s_rng), [1, 3], new() { BatchAxes = [1] })).Message, StringComparison.Ordinal);
        Assert.Contains("inputs' names is empty", Assert.Throws<ArgumentException>(() => OnnxFile.Save(folder["a.onnx"], new Dense(3, 1, s_rng), [1, 3], new() { InputNames = [""] })).Message, StringComparison.Ordinal);
        Assert.Contains("outputs' names is empty", Assert.Throws<ArgumentException>(() => OnnxFile.Save(folder["a.onnx"], new Dense(3, 1, s_rng), [1, 3], new() { OutputNames = [null!] })).Message, StringComparison.Ordinal);
        Assert.Equal("onnx-file: the forward pass has no result", Assert.Throws<ArgumentException>(() => OnnxFile.Save(folder["a.onnx"], table, x => { x.Tensor([1, 3]); return Array.Empty<Tensor>(); })).Message);
        Assert.Equal("onnx-file: a result of the forward pass is null", Assert.Throws<InvalidOperationException>(() => OnnxFile.Save(folder["a.onnx"], table, x => (Tensor)null!)).Message);
        Assert.Throws<IOException>(() => OnnxFile.Save(Path.Combine(folder["missing"], "a.onnx"), new Dense(3, 1, s_rng), [1, 3]));
        Assert.Equal("before", File.ReadAllText(folder["a.onnx"]));
        Assert.Equal(["a.onnx"], folder.Files);
    }

    [Fact]
    public void AnotherBatchMustDoTheSame()
    {
        using var folder = new TemporaryFolder();
        static Tensor Large(Tensor x) => x.Shape[0] > 4 ? x * 2 : x;
        static Tensor Small(Tensor x) => x.Shape[0] > 4 ? x : x * 2;
        static Tensor[] Results(Tensor x) => x.Shape[0] > 4 ? [x * 2] : [x * 2, x];
        static Tensor Wide(Tensor x) => x.Shape[0] > 4 ? x * 2 : (x * 2).Unsqueeze(0);
        foreach (Func<Tensor, Tensor> forward in (Func<Tensor, Tensor>[])[Large, Small])
        {
            var alone = new Lambda(forward);
            Assert.StartsWith("onnx-file: the forward pass: a forward pass that does other things with another batch", Assert.Throws<NotSupportedException>(() => OnnxFile.Save(folder["a.onnx"], alone, x => alone.Forward(x.Tensor([1, 3])))).Message, StringComparison.Ordinal);
        }
        var model = new Sequential(new Dense(3, 3, s_rng), new Lambda(Small, "Doubled"), new Relu());
        Func<InferenceInputs, Tensor[]>[] others = [x => Results(x.Tensor([1, 3])), x => [Wide(x.Tensor([1, 3]))]];
        foreach (var forward in others)
        {
            Assert.StartsWith("onnx-file: the forward pass: a forward pass that does other things with another batch", Assert.Throws<NotSupportedException>(() => OnnxFile.Save(folder["a.onnx"], new Dense(3, 3, s_rng), forward)).Message, StringComparison.Ordinal);
        }
        Assert.StartsWith("onnx-file: layer \"1\" (Doubled): ", Assert.Throws<NotSupportedException>(() => OnnxFile.Save(folder["a.onnx"], model, [1, 3])).Message, StringComparison.Ordinal);
        Assert.Empty(folder.Files);
    }

    /// <summary>The file would hold the sizes of one of the recordings.</summary>
    [Fact]
    public void WindowsOverTheBatchAreRefused()
    {
        using var folder = new TemporaryFolder();
        (Layer Layer, Shape Input, int Axis)[] all =
        [
            (new Conv1d(2, 3, 3, s_rng, padding: 1), [1, 2, 9], 2), (new Conv2d(2, 3, 3, s_rng, padding: 1), [1, 2, 9, 9], 3), (new ConvTranspose1d(2, 3, 3, s_rng), [1, 2, 9], 2), (new MaxPool1d(2, 1), [1, 2, 9], 2),
            (new MaxPool2d(2, 1), [1, 2, 9, 9], 2), (new AvgPool1d(2, 1), [1, 2, 9], 2), (new Upsample2d(2), [1, 2, 4, 4], 3), (new AdaptiveAvgPool2d(2), [1, 2, 9, 9], 2), (new AdaptiveMaxPool2d(2), [1, 2, 9, 9], 3),
        ];
        foreach (var (layer, input, axis) in all)
        {
            var e = Assert.Throws<NotSupportedException>(() => OnnxFile.Save(folder["a.onnx"], layer, input, new() { BatchAxes = [axis] }));
            Assert.True(e.Message.Contains("along the batch", StringComparison.Ordinal), $"{layer.Kind}: {e.Message}");
            OnnxFile.Save(folder["b.onnx"], layer, input);
        }
        Assert.Equal(["b.onnx"], folder.Files);
    }

    /// <summary>Names count on from the last one: to try all of them for each of 8,000 nodes would make 32 million.</summary>
    [Fact]
    public void ThousandsOfNodesAreNamedAtOnce()
    {
        var graph = new OnnxGraph();
        Assert.True(graph.Reserve("add_2") && graph.Reserve("add_5"));
        long before = GC.GetAllocatedBytesForCurrentThread();
        string[] names = [.. Enumerable.Range(0, 8000).Select(_ => graph.Add("Add", ["x", "x"]))];
        Assert.InRange(GC.GetAllocatedBytesForCurrentThread() - before, 0, 20_000_000);
        Assert.Equal(["add", "add_1", "add_3", "add_4", "add_6"], names[..5]);
        Assert.Equal("add_8001", names[^1]);
    }

    [Fact]
    public void WhatIsTooLargeIsRefused()
    {
        var graph = new OnnxGraph();
        float[] weights = new float[1 << 24];
        string[] names = [.. Enumerable.Range(0, 33).Select(i => graph.Floats($"w{i}", [weights.Length], weights, exact: true))];
        graph.Output("y", graph.Add("Sum", names), [weights.Length]);
        Assert.Contains("2 GiB", Assert.Throws<NotSupportedException>(() => graph.Write(Stream.Null, "")).Message, StringComparison.Ordinal);
    }

    /// <summary>Writes a forward pass, and runs the file with batches of other sizes.</summary>
    internal static void Same(Module model, Func<Asked, Tensor[]> forward, int below = 2, OnnxOptions? options = null)
    {
        using var folder = new TemporaryFolder();
        string path = folder["model.onnx"];
        OnnxFile.Save(path, model, x => forward(new(x)), options);
        var file = OnnxReader.Read(path);
        using var mode = new Tape(training: false);
        foreach (int batch in (int[])[1, 2, 7])
        {
            var given = new Asked(batch, new Rng(5), below);
            var expected = forward(given);
            var results = OnnxRun.Run(file, file.Inputs.Index().ToDictionary(i => i.Item.Name, i => given.Values[i.Index]));
            Assert.Equal(expected.Length, results.Length);
            for (int i = 0; i < expected.Length; i++)
            {
                Assert.Equal(expected[i].Shape.Sizes.ToArray(), results[i].Shape);
                GoldenLayers.Close([.. results[i].Values.Select(v => (float)v)], expected[i].ToArray(), $"result {i}, batch {batch}");
            }
        }
    }

    /// <summary>Inputs of a forward pass: those that are recorded, or drawn ones with a batch of some size.</summary>
    internal sealed class Asked
    {
        private readonly InferenceInputs? _recorded;
        private readonly int _batch, _below;
        private readonly Rng? _rng;

        public Asked(InferenceInputs recorded) => _recorded = recorded;

        public Asked(int batch, Rng rng, int below) => (_batch, _rng, _below) = (batch, rng, below);

        public List<OnnxArray> Values { get; } = [];

        public Tensor Numbers(Shape shape, int batch = 0)
        {
            if (_recorded is not null) { return _recorded.Tensor(shape); }
            var x = Tensor.Normal(shape.With(batch, _batch), _rng!);
            Values.Add(new([.. x.Shape.Sizes], [.. x.ToArray().Select(v => (double)v)]));
            return x;
        }

        public Indices Whole(Shape shape)
        {
            if (_recorded is not null) { return _recorded.Indices(shape); }
            var x = Indices.Uniform(shape.With(0, _batch), _rng!, 0, _below);
            Values.Add(new([.. x.Shape.Sizes], [.. x.ToArray().Select(v => (double)v)]));
            return x;
        }
    }

    private sealed class Pair(params Module[] modules) : Module
    {
        protected internal override void Parts(Parts p) => p.Of(modules);
    }

    // what a user writes: two inputs, a gate, a residual, a table looked up and averaged
    private sealed class Own(Rng rng) : Module
    {
        private readonly Embedding _words = new(9, 4, rng);
        private readonly Dense _gate = new(3, 4, rng), _mix = new(8, 4, rng);
        private readonly LayerNorm _norm = new(4);

        public Tensor Forward(Indices tokens, Tensor x)
        {
            var words = _words.Forward(tokens);
            var mean = (words * (_gate.Forward(x).Sigmoid().Unsqueeze(1) + 0.5f)).Mean(1);
            var both = Tensor.Concat([mean, words.Max(1)], 1);
            return _norm.Forward(mean + _mix.Forward(both).Tanh()).Softmax(-1) / 2;
        }

        protected internal override void Parts(Parts p) => p.Of(_words).Of(_gate).Of(_mix).Of(_norm);
    }

    private readonly struct Bump : IMap
    {
        public L Apply<L>(L x) where L : struct, ILane<L> => L.WhereGreater(x, 0.3f, L.Exp(-(x * x)), L.MultiplyAdd(x, 2f, L.Min(x, -0.5f))) / (1f + L.Abs(x));
    }

    private readonly struct Mix : IZip
    {
        public L Apply<L>(L a, L b) where L : struct, ILane<L> => L.WhereEqual(a, b, 0f, L.Sqrt(b) - (a * L.Sigmoid(b)));
    }
}
