using DeepEdu.Autograd;
using DeepEdu.Devices;
using DeepEdu.Memory;
using DeepEdu.Nn;
using DeepEdu.Numerics;
using DeepEdu.Ops;
using DeepEdu.Optim;
using DeepEdu.Tensors;

namespace DeepEdu.Tests.Nn;

[Collection("alone")]
public class InferenceSessionTests
{
    public static TheoryData<string> Rows => [.. LayerCatalog.All.Keys];

    // pieces keep a state from call to call
    internal static readonly string[] Refused = ["lstm-pieces", "gru-pieces", "rnn-pieces"];

    /// <summary>Every layer of the catalogue: a session gives what Forward gives, bit for bit, and allocates nothing. A row that keeps a state is refused.</summary>
    [Theory]
    [MemberData(nameof(Rows))]
    public void EveryLayerGivesTheBitsOfForwardWithoutAllocating(string name)
    {
        var golden = LayerCatalog.Golden[name];
        var layer = GoldenLayers.Load(LayerCatalog.All[name](), golden);
        bool numbers = golden.TryGetProperty("x", out var input);
        using var arena = new Arena();
        float[] x = numbers ? GoldenLayers.Tensor(input).ToArray() : [];
        int[] indices = numbers ? [] : GoldenLayers.Indices(golden).ToArray();
        Tensor expected;
        InferenceSession session;
        try
        {
            session = numbers ? new(layer, GoldenLayers.Tensor(input).Shape) : InferenceSession.OfIndices(layer, GoldenLayers.Indices(golden).Shape);
        }
        catch (InvalidOperationException e)
        {
            Assert.StartsWith("inference-session:", e.Message, StringComparison.Ordinal);
            Assert.Contains(name, Refused);
            return;
        }
        expected = numbers ? layer.Forward(GoldenLayers.Tensor(input)) : layer.Forward(GoldenLayers.Indices(golden));
        float[] y = new float[expected.Size];
        void Call()
        {
            if (numbers) { session.Run(x, y); } else { session.Run(indices, y); }
        }
        Call();
        Assert.Equal(expected.ToArray(), y);
        Assert.Equal(0, Allocated(Call));
    }

    /// <summary>A call given back twice would let two later callers compute on the same memory.</summary>
    [Fact]
    public void ACallThatHasEndedTouchesNoOther()
    {
        var session = new InferenceSession(new Relu(), [2]);
        var first = session.Begin();
        first.Set(0, [1f, 2]);
        first.Run();
        first.Dispose();
        first.Dispose();
        using var second = session.Begin();
        using var third = session.Begin();
        second.Set(0, [3f, 4]);
        third.Set(0, [5f, 6]);
        second.Run();
        third.Run();
        first.Dispose();
        Assert.Equal([3f, 4], second.Output().ToArray());
        Assert.Equal([5f, 6], third.Output().ToArray());
        bool ended = false;
        try { _ = first.Output(); }
        catch (ObjectDisposedException e) { ended = e.Message.Contains("this call was disposed", StringComparison.Ordinal); }
        Assert.True(ended);
    }

    /// <summary>The memory still holds what another caller computed.</summary>
    [Fact]
    public void ResultsAreThereOnceTheCallHasRun()
    {
        var session = new InferenceSession(new Relu(), [2]);
        session.Run([1f, 2], new float[2]);
        Assert.Contains("has not run", Assert.Throws<InvalidOperationException>(() => { using var call = session.Begin(); call.Set(0, [3f, 4]); _ = call.Output(); }).Message, StringComparison.Ordinal);
        Assert.Contains("no result 1; the forward pass gives 1", Assert.Throws<ArgumentOutOfRangeException>(() => { using var call = session.Begin(); _ = call.OutputShape(1); }).Message, StringComparison.Ordinal);
        Assert.Contains("room for 1 values for the result, [2], which has 2", Assert.Throws<ArgumentException>(() => session.Run([3f, 4], new float[1])).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void RecurrentModelsAllocateNothingAndFollowTheirWeights()
    {
        var rng = new Rng(1);
        var model = new Sequential(new Embedding(20, 6, rng), new Lstm(6, 10, rng, layers: 2, bidirectional: true), new Dense(20, 3, rng), new Softmax());
        var session = InferenceSession.OfIndices(model, [2, 7]);
        int[] x = [.. Enumerable.Range(0, 14)];
        float[] y = new float[42];
        session.Run(x, y);
        Assert.Equal(0, Allocated(() => session.Run(x, y)));
        var before = Forward();
        Assert.Equal(before, y);

        // an optimiser's step, a load and a written span are all noticed
        var sgd = new Sgd(model.Parameters(), new() { LearningRate = 0.5 });
        using (var tape = new Tape()) { sgd.Step(tape.Gradients(model.Forward(Indices.Of([2, 7], x)).Square().Sum())); }
        Same();
        var snapshot = model.Snapshot();
        model.Parameters()[2].Value.CopyFrom(new float[model.Parameters()[2].Value.Size]);
        Same();
        model.Parameters()[1].Value.AsSpan()[3] = 2;
        Same();
        model.Restore(snapshot);
        Same();

        void Same()
        {
            float[] last = [.. y];
            session.Run(x, y);
            Assert.Equal(Forward(), y);
            Assert.NotEqual(last, y);
        }

        float[] Forward()
        {
            using var arena = new Arena();
            return model.Forward(Indices.Of([2, 7], x)).ToArray();
        }
    }

    /// <summary>Lengths and masks are inputs like others: each call has its own, also where all steps' input parts are made in one product (few sequences) and where holes are.</summary>
    [Theory]
    [InlineData(3, true)]
    [InlineData(3, false)]
    [InlineData(14, true)]
    [InlineData(14, false)]
    public void RecurrentModelsFollowLengthsAndMasks(int batch, bool batchFirst)
    {
        const int Steps = 9, Inputs = 4;
        var rng = new Rng(2);
        Lstm lstm = new(Inputs, 6, rng, layers: 2, bidirectional: true, batchFirst: batchFirst);
        Gru gru = new(Inputs, 5, rng, batchFirst: batchFirst, resetBefore: true);
        Shape shape = batchFirst ? [batch, Steps, Inputs] : [Steps, batch, Inputs], counting = shape.With(2, 1);
        Tensor[] Forward(Tensor x, Indices lengths, Tensor mask)
        {
            var (output, state) = lstm.Run(x, lengths: lengths, padLeft: true);
            var (y, h) = gru.Run(x, mask: mask.Squeeze(2));
            return [output, state.H, state.C, y, h];
        }
        var session = new InferenceSession(i => Forward(i.Tensor(shape), i.Indices([batch]), i.Tensor(counting)));
        float[] x = Tensor.Uniform(shape, rng, -1, 1).ToArray(), mask = new float[batch * Steps];
        int[] lengths = new int[batch];
        for (int round = 0; round < 20; round++)
        {
            foreach (ref int n in lengths.AsSpan()) { n = round == 0 ? Steps : rng.Next(Steps + 1); }
            foreach (ref float m in mask.AsSpan()) { m = round == 0 || rng.Next(3) > 0 ? 1 : 0; }
            long allocated = Allocated(() =>
            {
                using var call = session.Begin();
                call.Set(0, x);
                call.Set(1, lengths);
                call.Set(2, mask);
                call.Run();
            });
            Assert.True(round < 5 || allocated == 0, $"{allocated} bytes");
            using var result = session.Begin();
            result.Set(0, x);
            result.Set(1, lengths);
            result.Set(2, mask);
            result.Run();
            using var arena = new Arena();
            var expected = Forward(Tensor.Of(shape, x), Indices.Of(lengths), Tensor.Of(counting, mask));
            for (int k = 0; k < expected.Length; k++) { Assert.Equal(expected[k].ToArray(), result.Output(k).ToArray()); }
        }
        using var wrong = session.Begin();
        lengths[1] = Steps + 1;
        wrong.Set(0, x);
        wrong.Set(1, lengths);
        wrong.Set(2, mask);
        Exception? thrown = null;
        try { wrong.Run(); } catch (ArgumentOutOfRangeException e) { thrown = e; }
        Assert.Contains($"index {Steps + 1}", thrown!.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void ANormalisedLstmFollowsTheLengthsOfEachCall()
    {
        var lstm = new Lstm(3, 4, new Rng(1), bidirectional: true, layerNorm: true);
        var session = new InferenceSession(i => lstm.Run(i.Tensor([2, 5, 3]), lengths: i.Indices([2])).Output);
        var x = Tensor.Normal([2, 5, 3], new Rng(2));
        foreach (int[] lengths in (int[][])[[5, 5], [2, 4], [0, 1]])
        {
            using var call = session.Begin();
            call.Set(0, x.AsSpan());
            call.Set(1, lengths);
            call.Run();
            Assert.Equal(lstm.Run(x, lengths: lengths).Output.ToArray(), call.Output());
        }
    }

    [Fact]
    public void AWeightThatTheModelComputesIsMadeAnewInEachCall()
    {
        var rng = new Rng(1);
        Parameter a = new([6, 2]), b = new([2, 9]);
        (Init.Uniform(-1, 1))(a, rng);
        (Init.Uniform(-1, 1))(b, rng);
        Tensor Forward(Tensor x, Tensor scale) => x.Conv2d((a.MatMul(b) * scale).Reshape(6, 1, 3, 3));
        var session = new InferenceSession(i => Forward(i.Tensor([1, 1, 5, 5]), i.Tensor([1])));
        float[] image = Tensor.Uniform([25], rng).ToArray();
        foreach (float scale in (float[])[1, -2, 3])
        {
            using var call = session.Begin();
            call.Set(0, image);
            call.Set(1, [scale]);
            call.Run();
            Assert.Equal(Forward(Tensor.Of([1, 1, 5, 5], image), Tensor.Of(scale)).ToArray(), call.Output().ToArray());
        }
    }

    [Fact]
    public void SixtyFourThreadsGetWhatOneGets()
    {
        const int Threads = 64, Calls = 20, Batch = 2;
        var rng = new Rng(1);
        var model = new Sequential(new Conv2d(1, 8, 3, rng), new Relu(), new MaxPool2d(2), new Flatten(), new Dense(8 * 25, 16, rng), new Relu(), new Dense(16, 5, rng));
        var session = new InferenceSession(model, [Batch, 1, 12, 12]);
        float[][] inputs = [.. Enumerable.Range(0, Threads).Select(i => Tensor.Uniform([Batch * 144], new Rng((ulong)i + 9)).ToArray())];
        float[][] serial = [.. inputs.Select(x => model.Forward(Tensor.Wrap(x, [Batch, 1, 12, 12])).ToArray())];
        var wrong = new int[Threads];
        var threads = Enumerable.Range(0, Threads).Select(i => new Thread(() =>
        {
            float[] y = new float[Batch * 5];
            for (int n = 0; n < Calls; n++)
            {
                session.Run(inputs[(i + n) % Threads], y);
                if (!serial[(i + n) % Threads].AsSpan().SequenceEqual(y)) { wrong[i]++; }
            }
        })).ToList();
        threads.ForEach(t => t.Start());
        threads.ForEach(t => t.Join());
        Assert.All(wrong, w => Assert.Equal(0, w));
    }

    [Fact]
    public void SeveralInputsAndResults()
    {
        var rng = new Rng(1);
        Embedding users = new(5, 3, rng), items = new(4, 3, rng);
        var mask = Tensor.Of(1f, 0f, 1f);
        var session = new InferenceSession(i =>
        {
            Tensor u = users.Forward(i.Indices([2])), v = items.Forward(i.Indices([2])), scale = i.Tensor([2, 1]);
            return [(u * v * mask).Sum(1), u * scale + Tensor.Zeros([2, 1])];
        });
        using (var call = session.Begin())
        {
            call.Set(0, [1, 4]);
            call.Set(1, [3, 0]);
            call.Set(2, [10f, 20f]);
            call.Run();
            Assert.Equal([2, 3], call.OutputShape(1).Sizes.ToArray());
            Assert.Equal(2, call.Output(0).Length);
            Assert.Equal(users.Forward(Indices.Of(1, 4)).ToArray()[5] * 20f, call.Output(1)[5]);
        }
        var e = Assert.Throws<ArgumentOutOfRangeException>(() =>
        {
            using var call = session.Begin();
            call.Set(0, [1, 5]);
            call.Set(1, [3, 0]);
            call.Set(2, [10f, 20f]);
            call.Run();
        });
        Assert.Contains("index 5", e.Message, StringComparison.Ordinal);
        Assert.Contains("3 values for input 0, [2]", Assert.Throws<ArgumentException>(() => Set(new int[3])).Message, StringComparison.Ordinal);
        Assert.Contains("input 0 takes whole numbers", Assert.Throws<ArgumentException>(() => Set(new float[2])).Message, StringComparison.Ordinal);

        void Set(object values)
        {
            using var call = session.Begin();
            if (values is int[] numbers) { call.Set(0, numbers); } else { call.Set(0, (float[])values); }
        }
    }

    /// <summary>Places in order are computed in each call, of short rows and long ones, of columns, by values that are equal too.</summary>
    [Theory]
    [InlineData(2, 3)]
    [InlineData(40, 7)]
    [InlineData(5, 300)]
    public void OrdersFollowTheValuesOfEachCall(int rows, int columns)
    {
        Tensor[] Forward(Tensor x)
        {
            var (best, where) = x.TopK(2);
            var (sorted, order) = x.Sort(0, descending: true);
            return [best, where.ToTensor(), sorted, order.ToTensor(), x.Gather(1, x.ArgSort()), x.IndexSelect(0, x.Sum(1).ArgSort()), x.MaxWithIndices(1).Indices.ToTensor(), Tensor.Of(1, 3, 3, 7, 8.5f).SearchSorted(x).ToTensor(), x.Median(1).Values, x.KthValue(2, 0).Indices.ToTensor(), x.Quantile(0.3f, 1)];
        }
        var session = new InferenceSession(i => Forward(i.Tensor([rows, columns])));
        var rng = new Rng(5);
        float[] x = new float[rows * columns];
        void Call()
        {
            using var call = session.Begin();
            call.Set(0, x);
            call.Run();
        }
        for (int k = 0; k < 5; k++)
        {
            for (int i = 0; i < x.Length; i++) { x[i] = rng.Next(0, 20) * 0.5f; }
            var expected = Forward(Tensor.Of([rows, columns], x));
            using (var call = session.Begin())
            {
                call.Set(0, x);
                call.Run();
                for (int i = 0; i < expected.Length; i++) { Assert.Equal(expected[i].ToArray(), call.Output(i).ToArray()); }
            }
        }
        Assert.Equal(0, Allocated(Call));
    }

    [Fact]
    public void DropoutIsOffAlsoInsideATape()
    {
        var model = new Sequential(new Dropout(0.5f, new Rng(1)));
        using var tape = new Tape();
        var session = new InferenceSession(model, [50]);
        float[] x = Tensor.Ones([50]).ToArray(), y = new float[50];
        session.Run(x, y);
        Assert.Equal(x, y);
    }

    /// <summary>What ten calls allocate. What the calls do not is allocated once: working memory of this thread where another did its part of the calls before, a buffer that the collector took out of the runtime's pool.</summary>
    internal static long Allocated(Action call)
    {
        for (int i = 0; i < 3; i++) { call(); }
        long least = long.MaxValue;
        for (int attempt = 0; attempt < 3 && least > 0; attempt++)
        {
            long before = GC.GetAllocatedBytesForCurrentThread();
            for (int i = 0; i < 10; i++) { call(); }
            least = Math.Min(least, GC.GetAllocatedBytesForCurrentThread() - before);
        }
        return least;
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void PoolingOverTimeFollowsTheLengthsOfEachCall(bool padLeft)
    {
        var session = new InferenceSession(i =>
        {
            var (x, lengths) = (i.Tensor([2, 3, 1]), i.Indices([2]));
            return [x.MeanOverTime(lengths, padLeft), x.MaxOverTime(lengths, padLeft)];
        });
        Tensor x = Tensor.Of([2, 3, 1], [1, 2, 6, 3, 5, 4]);
        foreach (int[] lengths in (int[][])[[3, 3], [1, 2], [0, 3]])
        {
            using var call = session.Begin();
            call.Set(0, x.AsSpan());
            call.Set(1, lengths);
            call.Run();
            Assert.Equal(x.MeanOverTime(lengths, padLeft).ToArray(), call.Output(0));
            Assert.Equal(x.MaxOverTime(lengths, padLeft).ToArray(), call.Output(1));
        }
    }

    /// <summary>A row that is shortened when it is looked up is the weight of a tied layer, which must not go on with what it packed before.</summary>
    [Fact]
    public void ATiedLayerSeesRowsThatAreShortened()
    {
        var embedding = new Embedding(40, 16, new Rng(1), maxNorm: 0.5f);
        var head = Dense.Tied(embedding.Weight);
        var session = new InferenceSession(x => head.Forward(embedding.Forward(x.Indices([8]))));
        float[] scores = new float[8 * 40];
        for (int start = 0; start < 40; start += 8)
        {
            int[] tokens = [.. Enumerable.Range(start, 8)];
            session.Run(tokens, scores);
            // a row whose norm is the limit but for rounding is shortened once more
            Assert.Equal(head.Forward(embedding.Forward(tokens)).ToArray(), scores, (a, b) => MathF.Abs(a - b) < 1e-5f);
        }
    }
}
