using DeepEdu.Autograd;
using DeepEdu.Nn;
using DeepEdu.Numerics;
using DeepEdu.Ops;
using DeepEdu.Tensors;

namespace DeepEdu.Tests.Nn;

/// <summary>What PyTorch's goldens do not cover: initial values, dropout, pieces of sequences, streams.</summary>
public class RecurrentLayerTests
{
    // sums of the same products in another order
    private const float Rounding = 2e-6f;

    public static TheoryData<string> Kinds => ["lstm", "lstm-coupled", "lstm-norm", "gru", "gru-before", "rnn", "rnn-relu"];

    private static Recurrent New(string kind, int inputs, int hidden, int layers = 1, float dropout = 0, float recurrentDropout = 0, ulong seed = 4, bool bidirectional = false)
    {
        var rng = new Rng(seed);
        return kind switch
        {
            "gru" or "gru-before" => new Gru(inputs, hidden, rng, layers, bidirectional, dropout: dropout, recurrentDropout: recurrentDropout, resetBefore: kind == "gru-before"),
            "rnn" or "rnn-relu" => new SimpleRnn(inputs, hidden, rng, layers, bidirectional, dropout: dropout, recurrentDropout: recurrentDropout, relu: kind == "rnn-relu"),
            _ => new Lstm(inputs, hidden, rng, layers, bidirectional, dropout: dropout, recurrentDropout: recurrentDropout, coupled: kind.Contains("coupled", StringComparison.Ordinal), layerNorm: kind.Contains("norm", StringComparison.Ordinal),
                projection: kind.Contains("projection", StringComparison.Ordinal) ? 7 : 0),
        };
    }

    [Theory]
    [InlineData("lstm", 4)]
    [InlineData("lstm-coupled", 3)]
    [InlineData("gru", 3)]
    [InlineData("rnn", 1)]
    public void InitialValuesAreUniformInOneOverRootHidden(string kind, int gates)
    {
        var layer = New(kind, 30, 64, layers: 2);
        Assert.Equal(
            ["weight_ih_l0", "weight_hh_l0", "bias_ih_l0", "bias_hh_l0", "weight_ih_l1", "weight_hh_l1", "bias_ih_l1", "bias_hh_l1"], layer.Parameters().Select(p => p.Name));
        const double Bound = 1 / 8.0;
        foreach (var (_, p) in layer.Parameters())
        {
            Assert.Equal(gates * 64, p.Shape[0]);
            float[] all = p.ToArray();
            Assert.All(all, v => Assert.InRange(v, -Bound, Bound));
            // five standard errors of the mean and the mean square of n uniform values
            Assert.InRange(all.Average(), -5 * Bound / Math.Sqrt(3.0 * all.Length), 5 * Bound / Math.Sqrt(3.0 * all.Length));
            double square = all.Average(v => v * (double)v), error = 5 * Bound * Bound * Math.Sqrt(4 / 45.0 / all.Length);
            Assert.InRange(square, (Bound * Bound / 3) - error, (Bound * Bound / 3) + error);
        }
    }

    // 2³⁰ units have 2³² gates, which as an int are none
    [Theory]
    [InlineData(1 << 30)]
    [InlineData(int.MaxValue)]
    public void MoreGatesThanThereAreNumbersForAreRefused(int hidden)
        => Assert.Contains($"lstm: hidden is {hidden}: its gates would have {4L * hidden} units", Assert.Throws<ShapeException>(() => new Lstm(1, hidden, new Rng(1))).Message, StringComparison.Ordinal);

    [Fact]
    public void NormalisationStartsAsNone()
    {
        var parts = New("lstm-norm", 3, 5).Parameters();
        Assert.Equal(["norm_ih_l0.weight", "norm_ih_l0.bias", "norm_hh_l0.weight", "norm_hh_l0.bias", "norm_c_l0.weight", "norm_c_l0.bias"], parts.Skip(4).Select(p => p.Name));
        Assert.All(parts.Skip(4), p => Assert.All(p.Value.ToArray(), v => Assert.Equal(p.Name.EndsWith("weight", StringComparison.Ordinal) ? 1 : 0, v)));
    }

    [Fact]
    public void OtherInitialValues()
    {
        var layer = new Lstm(6, 8, new Rng(1), init: Init.XavierUniform(), recurrentInit: Init.Orthogonal(), forgetBias: 1);
        var (wi, wh, bi, bh, _) = layer.Of(0);
        Assert.All(wi.ToArray(), v => Assert.InRange(v, -MathF.Sqrt(6f / 38), MathF.Sqrt(6f / 38)));
        var gram = wh.MatMul(wh, transA: true).ToArray();
        for (int i = 0; i < 64; i++) { Assert.Equal(i % 9 == 0 ? 1 : 0, gram[i], 1e-5f); }
        for (int i = 0; i < 32; i++) { Assert.Equal(i is >= 8 and < 16 ? 1 : 0, bi!.ToArray()[i] + bh!.ToArray()[i]); }
    }

    [Fact]
    public void AForgetBiasLeavesTheOtherGatesAlone()
    {
        float[] plain = new Lstm(6, 8, new Rng(1)).Of(0).BiasIh!.ToArray(), forget = new Lstm(6, 8, new Rng(1), forgetBias: 1).Of(0).BiasIh!.ToArray();
        for (int i = 0; i < 32; i++) { Assert.Equal(i is >= 8 and < 16 ? 1 : plain[i], forget[i]); }
        // coupled gates are f, g, o
        Assert.All(new Lstm(6, 8, new Rng(1), coupled: true, forgetBias: 1).Of(0).BiasIh!.ToArray()[..8], v => Assert.Equal(1, v));
    }

    [Theory]
    [MemberData(nameof(Kinds))]
    public void DropoutActsWhileLearningOnly(string kind)
    {
        foreach (var (dropout, recurrent) in new[] { (0.5f, 0f), (0f, 0.5f) })
        {
            var layer = New(kind, 3, 16, 2, dropout, recurrent);
            var x = Tensor.Uniform([2, 6, 3], new Rng(9), -1, 1);
            float[] plain = New(kind, 3, 16, 2).Forward(x).ToArray();
            Assert.Equal(plain, layer.Forward(x).ToArray());
            using (new Tape(training: false)) { Assert.Equal(plain, layer.Forward(x).ToArray()); }
            using var tape = new Tape();
            Assert.NotEqual(plain, layer.Forward(x).ToArray());
        }
    }

    [Fact]
    public void RecurrentDropoutLeavesTheFirstStepAloneAndKeepsItsChoice()
    {
        var layer = new Lstm(3, 16, new Rng(4), recurrentDropout: 1);
        var x = Tensor.Uniform([2, 6, 3], new Rng(9), -1, 1);
        using var tape = new Tape();
        var y = layer.Forward(x);
        // nothing of h passes on: each step is that of a fresh h, with c carried along
        var (wi, wh, bi, bh, _) = layer.Of(0);
        LstmResult step = default;
        for (int t = 0; t < 6; t++)
        {
            step = x.Narrow(1, t, 1).Lstm(wi, wh, bi, bh, c0: t == 0 ? null : step.C);
            Assert.Equal(step.H.ToArray(), y.Narrow(1, t, 1).ToArray());
        }
    }

    [Theory]
    [InlineData(0)]
    [InlineData(5)]
    public void PiecesWithStateEqualTheWhole(int projection)
    {
        var layer = new Lstm(3, 18, new Rng(4), layers: 2, projection: projection);
        var x = Tensor.Uniform([2, 7, 3], new Rng(9), -1, 1);
        var whole = layer.Run(x);
        var first = layer.Run(x.Narrow(1, 0, 3));
        var second = layer.Run(x.Narrow(1, 3, 4), first.State);
        Assert.Equal(whole.Output.ToArray(), Tensor.Concat([first.Output, second.Output], 1).ToArray());
        Assert.Equal(whole.State.H.ToArray(), second.State.H.ToArray());
        Assert.Equal(whole.State.C.ToArray(), second.State.C.ToArray());
    }

    [Fact]
    public void ADetachedStateStopsGradients()
    {
        var layer = new Lstm(3, 4, new Rng(4));
        var x = Tensor.Uniform([2, 7, 3], new Rng(9), -1, 1);
        using var tape = new Tape();
        tape.Watch(x);
        var state = layer.Run(x.Narrow(1, 0, 3)).State;
        var gradients = tape.Gradients(layer.Run(x.Narrow(1, 3, 4), state.Detach()).Output.Sum());
        Assert.All(gradients[x].Narrow(1, 0, 3).ToArray(), v => Assert.Equal(0, v));
        Assert.Contains(tape.Gradients(layer.Run(x.Narrow(1, 3, 4), state).Output.Sum())[x].Narrow(1, 0, 3).ToArray(), v => v != 0);
    }

    [Theory]
    [MemberData(nameof(Kinds))]
    public void AStatefulLayerGoesOnWhereItStopped(string kind)
    {
        var layer = New(kind, 3, 5, 2);
        var x = Tensor.Uniform([2, 7, 3], new Rng(9), -1, 1);
        float[] whole = layer.Forward(x).ToArray();
        var memory = new Stateful(layer);
        Assert.Equal(layer.Parameters().Select(p => p.Name), memory.Parameters().Select(p => p.Name));
        for (int round = 0; round < 2; round++)
        {
            float[] first, second;
            using (var tape = new Tape())
            {
                tape.Watch(x);
                first = memory.Forward(x.Narrow(1, 0, 3)).ToArray();
            }
            using (var tape = new Tape())
            {
                tape.Watch(x);
                var y = memory.Forward(x.Narrow(1, 3, 4));
                second = y.ToArray();
                // truncated: nothing flows back into the first piece
                Assert.All(tape.Gradients(y.Sum())[x].Narrow(1, 0, 3).ToArray(), v => Assert.Equal(0, v));
            }
            for (int r = 0; r < 2; r++) { Close(whole.AsSpan(r * 35, 35), [.. first.AsSpan(r * 15, 15), .. second.AsSpan(r * 20, 20)]); }
            memory.Reset();
        }
        float[] fresh = memory.Forward(x).ToArray();
        memory.Reset(1);
        float[] next = memory.Forward(x).ToArray();
        Close(fresh.AsSpan(35), next.AsSpan(35));
        Assert.NotEqual(fresh[..35], next[..35]);
        Assert.Contains("x [1,7,3] has 1 sequences, but the state is of 2; Reset first?", Assert.Throws<ShapeException>(() => memory.Forward(x.Narrow(0, 0, 1))).Message, StringComparison.Ordinal);
        Assert.Throws<ArgumentOutOfRangeException>(() => memory.Reset(2));
        Assert.Throws<ArgumentException>(() => new Stateful(New(kind, 3, 5, bidirectional: true)));
    }

    [Fact]
    public void AStatefulLayerTakesLengths()
    {
        var layer = New("gru", 3, 5);
        var x = Tensor.Uniform([2, 4, 3], new Rng(9), -1, 1);
        var memory = new Stateful(layer);
        memory.Run(x, Indices.Of(4, 0));
        float[] second = memory.Run(x, Indices.Of(0, 4)).ToArray();
        // row 1 began with its first step now
        Close(layer.Forward(x).ToArray().AsSpan(20), second.AsSpan(20));
    }

    [Theory]
    [MemberData(nameof(Kinds))]
    public void PaddingHoldsNothingAndLearnsNothing(string kind)
    {
        var layer = New(kind, 3, 5, 2, bidirectional: true);
        var x = Tensor.Uniform([3, 4, 3], new Rng(9), -1, 1);
        float[] counts = [1, 1, 0, 0, 0, 0, 0, 0, 1, 1, 1, 0];
        for (int i = 0; i < 12; i++) { if (counts[i] == 0) { x.AsSpan().Slice(3 * i, 3).Fill(float.NaN); } }
        List<float[]> seen = [];
        foreach (bool lengths in new[] { true, false })
        {
            using var tape = new Tape();
            tape.Watch(x);
            var y = layer.Drive(x, null, null, lengths ? new(Indices.Of(2, 0, 3), null, false) : new(null, Tensor.Of([3, 4], counts), false));
            var gradients = tape.Gradients(y.Output.Square().Sum() + y.H.Square().Sum());
            float[] output = y.Output.ToArray(), dx = gradients[x].ToArray();
            for (int i = 0; i < 12; i++)
            {
                Assert.All(output[(10 * i)..(10 * (i + 1))], v => Assert.Equal(0, v == 0 ? 0 : counts[i] - 1));
                Assert.All(dx[(3 * i)..(3 * (i + 1))], v => Assert.Equal(0, v == 0 ? 0 : counts[i] - 1));
            }
            Assert.All(y.H.Narrow(1, 1, 1).ToArray(), v => Assert.Equal(0, v)); // of no step: the initial state
            seen.Add([.. output, .. dx, .. layer.Parameters().SelectMany(p => gradients[p.Value].ToArray())]);
        }
        Assert.All(seen[0], v => Assert.True(float.IsFinite(v)));
        Assert.Equal(seen[0], seen[1]);
    }

    [Theory, Trait("Width", "yes")]
    [InlineData(1, 1, 0, true)]
    [InlineData(3, 2, 7, true)]
    [InlineData(70, 1, 0, false)]
    public void AStreamEqualsTheWholeSequence(int batch, int layers, int projection, bool bias)
    {
        const int Steps = 5, Inputs = 4, Hidden = 19;
        var layer = new Lstm(Inputs, Hidden, new Rng(4), layers, projection: projection, bias: bias);
        var x = Tensor.Uniform([Steps, batch, Inputs], new Rng(9), -1, 1);
        var whole = new Lstm(Inputs, Hidden, new Rng(4), layers, projection: projection, bias: bias, batchFirst: false).Run(x);
        var stream = new LstmStream(layer, batch);
        float[] y = new float[batch * layer.Outputs];
        for (int t = 0; t < Steps; t++)
        {
            if (t == 2)
            {
                var saved = stream.State;
                stream.Reset();
                stream.State = saved;
            }
            stream.Step(x.AsSpan().Slice(t * batch * Inputs, batch * Inputs), y);
            Close(whole.Output.AsSpan().Slice(t * y.Length, y.Length), y);
        }
        Close(whole.State.H.AsSpan(), stream.State.H.AsSpan());
        Close(whole.State.C.AsSpan(), stream.State.C.AsSpan());
    }

    private static RecurrentStream Stream(Recurrent layer, int batch) =>
        layer switch { Lstm lstm => new LstmStream(lstm, batch), Gru gru => new GruStream(gru, batch), _ => new SimpleRnnStream((SimpleRnn)layer, batch) };

    [Theory, Trait("Width", "yes")]
    [InlineData("lstm")]
    [InlineData("lstm-coupled")]
    [InlineData("lstm-norm")]
    [InlineData("lstm-norm-coupled-projection")]
    [InlineData("gru")]
    [InlineData("gru-before")]
    [InlineData("rnn")]
    [InlineData("rnn-relu")]
    public void AnyStreamEqualsTheWholeSequenceAndAllocatesNothing(string kind)
    {
        var layer = New(kind, 4, 19, 2);
        var rng = new Rng(9);
        foreach (var (name, p) in layer.Parameters()) { if (name.StartsWith("norm", StringComparison.Ordinal)) { rng.FillUniform(p.AsSpan(), 0.5f, 1.5f); } }
        var x = Tensor.Uniform([3, 5, 4], rng, -1, 1);
        int width = layer.Outputs;
        float spread = kind.Contains("norm", StringComparison.Ordinal) ? 5 : 1; // to variance 1: sums of ±0.2 grow fivefold, and their rounding with them
        float[] whole = layer.Forward(x).ToArray(), y = new float[3 * width];
        var stream = Stream(layer, 3);
        float[][] steps = [.. Enumerable.Range(0, 5).Select(t => x.Narrow(1, t, 1).ToArray())];
        long least = long.MaxValue;
        for (int pass = 0; pass < 4; pass++) // in the first it is compiled, and gets this thread's working memory
        {
            stream.Reset();
            long allocated = 0;
            for (int t = 0; t < 5; t++)
            {
                long before = GC.GetAllocatedBytesForCurrentThread();
                stream.Step(steps[t], y);
                allocated += GC.GetAllocatedBytesForCurrentThread() - before;
                for (int r = 0; r < 3; r++) { Close(whole.AsSpan(((r * 5) + t) * width, width), y.AsSpan(r * width, width), spread); }
            }
            least = Math.Min(least, allocated);
        }
        Assert.Equal(0, least);
    }

    [Fact]
    public void AGruStreamTakesAndGivesItsState()
    {
        var layer = new Gru(4, 5, new Rng(4), layers: 2);
        var x = Tensor.Uniform([2, 3, 4], new Rng(9), -1, 1);
        var stream = new GruStream(layer, 2) { State = layer.Run(x.Narrow(1, 0, 2)).State };
        stream.Step(x.Narrow(1, 2, 1).ToArray(), new float[10]);
        Close(layer.Run(x).State.AsSpan(), stream.State.AsSpan());
        Assert.Throws<ShapeException>(() => stream.State = Tensor.Zeros([1, 2, 5]));
    }

    [Fact]
    public void ASimpleStreamTakesAndGivesItsState()
    {
        var layer = new SimpleRnn(4, 5, new Rng(4), layers: 2);
        var x = Tensor.Uniform([2, 3, 4], new Rng(9), -1, 1);
        var stream = new SimpleRnnStream(layer, 2) { State = layer.Run(x.Narrow(1, 0, 2)).State };
        stream.Step(x.Narrow(1, 2, 1).ToArray(), new float[10]);
        Close(layer.Run(x).State.AsSpan(), stream.State.AsSpan());
    }

    [Fact]
    public void AStateThatIsKeptOutlivesItsTape()
    {
        var layer = new Lstm(3, 4, new Rng(4));
        var x = Tensor.Uniform([2, 7, 3], new Rng(9), -1, 1);
        LstmState kept, lost;
        using (new Tape()) { (kept, lost) = (layer.Run(x.Narrow(1, 0, 3)).State.Keep(), layer.Run(x).State); }
        Assert.Equal(layer.Run(x).State.H.ToArray(), layer.Run(x.Narrow(1, 3, 4), kept).State.H.ToArray());
        Assert.Throws<ObjectDisposedException>(() => layer.Run(x, lost));
    }

    [Fact]
    public void AStreamForgetsWhenTold()
    {
        var layer = new Lstm(2, 3, new Rng(4));
        var stream = new LstmStream(layer, 2);
        float[] x = [1, 2, 1, 2], fresh = new float[6], y = new float[6];
        stream.Step(x, fresh);
        stream.Step(x, y);
        stream.Reset(1);
        stream.Step(x, y);
        Assert.Equal(fresh[3..], y[3..]);
        Assert.NotEqual(fresh[..3], y[..3]);
        stream.Reset();
        stream.Step(x, y);
        Assert.Equal(fresh, y);
        layer.Of(0).WeightIh.AsSpan().Clear();
        stream.Refresh();
        stream.Reset();
        stream.Step(x, y);
        Assert.NotEqual(fresh, y);
        Assert.Contains("x has 3 values", Assert.Throws<ShapeException>(() => stream.Step(x.AsSpan(1), y)).Message, StringComparison.Ordinal);
        Assert.Throws<ArgumentException>(() => new LstmStream(new Lstm(2, 3, new Rng(4), bidirectional: true)));
        Assert.Throws<ShapeException>(() => stream.State = new(Tensor.Zeros([1, 1, 3]), Tensor.Zeros([1, 2, 3])));
    }

    [Fact]
    public void Errors()
    {
        var rng = new Rng(1);
        var layer = new Lstm(3, 5, rng);
        Assert.Contains("add the batch axis with Unsqueeze", Assert.Throws<ShapeException>(() => layer.Forward(Tensor.Zeros([4, 3]))).Message, StringComparison.Ordinal);
        Assert.Contains("x is [2,4,4], but [batch, steps, 3]", Assert.Throws<ShapeException>(() => layer.Forward(Tensor.Zeros([2, 4, 4]))).Message, StringComparison.Ordinal);
        Assert.Contains("state's c is [1,3,5], but [1,2,5]",
            Assert.Throws<ShapeException>(() => layer.Run(Tensor.Zeros([2, 4, 3]), new(Tensor.Zeros([1, 2, 5]), Tensor.Zeros([1, 3, 5])))).Message, StringComparison.Ordinal);
        Assert.Contains("gru: x is [2,4]", Assert.Throws<ShapeException>(() => new Gru(3, 5, rng).Forward(Tensor.Zeros([2, 4]))).Message, StringComparison.Ordinal);
        Assert.Contains("gru: the state's h is [1,2,4], but [1,2,5]", Assert.Throws<ShapeException>(() => new Gru(3, 5, rng).Run(Tensor.Zeros([2, 4, 3]), Tensor.Zeros([1, 2, 4]))).Message,
            StringComparison.Ordinal);
        Assert.Contains("lstm-cell: x is [2,4,3]", Assert.Throws<ShapeException>(() => new LstmCell(3, 5, rng).Forward(Tensor.Zeros([2, 4, 3]))).Message, StringComparison.Ordinal);
        Assert.Throws<ArgumentException>(() => new Lstm(3, 5, rng, dropout: 0.5f));
        Assert.Throws<ArgumentException>(() => new Lstm(3, 5, rng, merge: BidirectionalMerge.Sum));
        Assert.Throws<ArgumentException>(() => new Lstm(3, 5, rng, bias: false, forgetBias: 1));
        Assert.Throws<ArgumentOutOfRangeException>(() => new Lstm(3, 5, rng, projection: 5));
        Assert.Throws<ArgumentOutOfRangeException>(() => new Lstm(3, 5, rng, recurrentDropout: 1.5f));
        Assert.Throws<ArgumentOutOfRangeException>(() => new Lstm(0, 5, rng));
    }

    private static void Close(ReadOnlySpan<float> wanted, ReadOnlySpan<float> got, float times = 1)
    {
        for (int i = 0; i < wanted.Length; i++) { Assert.Equal(wanted[i], got[i], times * Rounding); }
    }
}
