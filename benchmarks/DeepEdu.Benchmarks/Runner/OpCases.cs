using DeepEdu.Autograd;
using DeepEdu.Nn;
using DeepEdu.Numerics;
using DeepEdu.Ops;
using DeepEdu.Optim;
using DeepEdu.Tensors;

namespace DeepEdu.Benchmarks.Runner;

/// <summary>What operations are tried on: a few KB, some 512 KB, or some 16 MB a tensor.</summary>
internal sealed class OpInputs
{
    private readonly Rng _rng = new(1);

    public OpInputs(string size)
    {
        int[][] shapes = size switch
        {
            "small" => [[16, 64], [4, 16, 16], [1, 4, 16, 16], [2, 8, 16]],
            "medium" => [[256, 512], [32, 64, 64], [8, 16, 32, 32], [16, 32, 64]],
            "large" => [[4096, 1024], [64, 256, 256], [32, 32, 64, 64], [64, 128, 128]],
            _ => throw new ArgumentException($"ops: '{size}' is neither small, medium nor large"),
        };
        (Rows, Columns) = (shapes[0][0], shapes[0][1]);
        (X, Y, Positive) = (Uniform([Rows, Columns], -3), Uniform([Rows, Columns], -3), Uniform([Rows, Columns], 0.01f));
        Factors = (X * 0.01f) + 1; // their products stay numbers
        (Row, Column, Cube, Images, Sequences) = (Uniform([Columns], -1), Uniform([Rows, 1], -1), Uniform(Shape.Create(shapes[1]), -3), Uniform(Shape.Create(shapes[2]), -3), Uniform(Shape.Create(shapes[3]), -1));
        Lines = Sequences.Alias([shapes[3][0], shapes[3][2], shapes[3][1]]);
        SmallImages = Images.Alias([4 * Images.Shape[0], 4 * Images.Shape[1], Images.Shape[2] / 4, Images.Shape[3] / 4]);
        Colours = Images.Narrow(1, 0, 3);
        (Query, Values) = (Uniform([shapes[3][0], 1, shapes[3][2]], -1), Uniform(Shape.Create(shapes[3]), -1));
        (Mask, OfRows, OfColumns, Labels) = (X.Greater(0), Indices.Uniform([Rows], _rng, 0, Rows), Indices.Uniform([Rows, Columns], _rng, 0, Columns), Indices.Uniform([Rows], _rng, 0, Columns));
        // steps, sequences, classes; a target has a symbol for every four steps
        var (steps, sequences) = (shapes[3][1], shapes[3][0]);
        LogProbabilities = Uniform([steps, sequences, shapes[3][2]], -3).LogSoftmax();
        (Targets, Steps, Symbols) = (Indices.Uniform([sequences, steps / 4], _rng, 1, shapes[3][2]), Same(sequences, steps), Same(sequences, steps / 4));
        Graph = new(Rows, Rows, Indices.Uniform([8 * Rows], _rng, 0, Rows), Indices.Uniform([8 * Rows], _rng, 0, Rows), Uniform([8 * Rows], 0));
    }

    public int Rows { get; }
    public int Columns { get; }
    public int Channels => Images.Shape[1];
    public int Width => Sequences.Shape[2];
    public Tensor X { get; }
    public Tensor Y { get; }
    public Tensor Positive { get; }
    public Tensor Factors { get; }
    public Tensor Row { get; }
    public Tensor Column { get; }
    public Tensor Cube { get; }
    public Tensor Images { get; }
    public Tensor SmallImages { get; }
    public Tensor Colours { get; }
    public Tensor Sequences { get; }
    public Tensor Lines { get; }
    public Tensor Query { get; }
    public Tensor Values { get; }
    public SparseMatrix Graph { get; }
    public Tensor LogProbabilities { get; }
    public Indices Targets { get; }
    public Indices Steps { get; }
    public Indices Symbols { get; }
    public Tensor Mask { get; }
    public Indices OfRows { get; }
    public Indices OfColumns { get; }
    public Indices Labels { get; }
    public Rng Rng => _rng;

    private static Indices Same(int n, int value) => Indices.Of([.. Enumerable.Repeat(value, n)]);

    private Tensor Uniform(Shape shape, float low) => Tensor.Uniform(shape, _rng, low, 3);
}

/// <summary>One operation: what makes its call from inputs and, where the way back is taken too, the inputs whose gradients are wanted.</summary>
internal sealed record OpCase(string Name, Func<OpInputs, Func<Tensor?>> Make, Func<OpInputs, Tensor[]>? Wanted = null);

/// <summary>The cases, in families.</summary>
internal static class OpCases
{
    public static IReadOnlyList<OpCase> All { get; } =
    [
        // value by value
        On("add", i => i.X + i.Y), On("mul", i => i.X * i.Y), On("div", i => i.X / i.Y), On("add scalar", i => i.X + 1.5f), On("maximum", i => Tensor.Maximum(i.X, i.Y)), On("abs", i => i.X.Abs()),
        On("neg", i => -i.X), On("sqrt", i => i.Positive.Sqrt()), On("rsqrt", i => i.Positive.Rsqrt()), On("square", i => i.X.Square()), On("reciprocal", i => i.X.Reciprocal()), On("exp", i => i.X.Exp()),
        On("log", i => i.Positive.Log()), On("expm1", i => i.X.Expm1()), On("log1p", i => i.Positive.Log1p()), On("sin", i => i.X.Sin()), On("cos", i => i.X.Cos()), On("erf", i => i.X.Erf()), On("tanh", i => i.X.Tanh()),
        On("sigmoid", i => i.X.Sigmoid()), On("pow 2.5", i => i.Positive.Pow(2.5f)), On("pow tensor", i => i.Positive.Pow(i.Y)), On("clamp", i => i.X.Clamp(-1, 1)), On("sign", i => i.X.Sign()), On("round", i => i.X.Round()),
        On("floor", i => i.X.Floor()), On("remainder", i => i.X.Remainder(0.7f)), On("relu", i => i.X.Relu()), On("leaky relu", i => i.X.LeakyRelu()), On("elu", i => i.X.Elu()), On("selu", i => i.X.Selu()),
        On("silu", i => i.X.Silu()), On("mish", i => i.X.Mish()), On("softplus", i => i.X.Softplus()), On("hard sigmoid", i => i.X.HardSigmoid()), On("gelu", i => i.X.Gelu()), On("log sigmoid", i => i.X.LogSigmoid()),
        Back("mul", i => i.X * i.Y, i => [i.X, i.Y]), Back("div", i => i.X / i.Y, i => [i.X, i.Y]), Back("exp", i => i.X.Exp(), X), Back("tanh", i => i.X.Tanh(), X), Back("relu", i => i.X.Relu(), X),
        Back("gelu", i => i.X.Gelu(), X), Back("silu", i => i.X.Silu(), X), Back("pow 2.5", i => i.Positive.Pow(2.5f), i => [i.Positive]), Back("clamp", i => i.X.Clamp(-1, 1), X), Back("abs", i => i.X.Abs(), X),

        // comparisons and choices
        On("greater", i => i.X.Greater(i.Y)), On("equal scalar", i => i.X.Equal(1)), On("logical and", i => i.X.LogicalAnd(i.Y)), On("is nan", i => i.X.IsNaN()), On("where", i => Tensor.Where(i.Mask, i.X, i.Y)),
        On("masked fill", i => i.X.MaskedFill(i.Mask, 0)), Back("where", i => Tensor.Where(i.Mask, i.X, i.Y), i => [i.X, i.Y]),

        // broadcasting
        On("column + row", i => i.Column + i.Row), On("matrix + row", i => i.X + i.Row), On("matrix * column", i => i.X * i.Column), On("cube + plane", i => i.Cube + i.Cube.Alias([i.Cube.Shape[1], i.Cube.Shape[2]])),
        On("where row", i => Tensor.Where(i.Mask, i.X, i.Row)), On("broadcast row", i => i.Row.BroadcastTo(i.X.Shape)), On("broadcast column", i => i.Column.BroadcastTo(i.X.Shape)),
        Back("matrix + row", i => i.X + i.Row, i => [i.X, i.Row]), Back("matrix * column", i => i.X * i.Column, i => [i.X, i.Column]), Back("column + row", i => i.Column + i.Row, i => [i.Column, i.Row]),

        // reductions
        On("sum all", i => i.X.Sum()), On("sum last", i => i.X.Sum(-1)), On("sum first", i => i.X.Sum(0)), On("sum middle", i => i.Cube.Sum(1)), On("sum of short rows", i => i.Sequences.Sum(-1)), On("sum ends", i => i.Cube.Sum([0, 2])), On("mean last", i => i.X.Mean(-1)),
        On("prod last", i => i.X.Prod(-1)), On("any last", i => i.Mask.Any(-1)), On("max all", i => i.X.Max()), On("max last", i => i.X.Max(-1)), On("max first", i => i.X.Max(0)), On("max indices last", i => i.X.MaxWithIndices(-1).Values),
        On("max indices middle", i => i.Cube.MaxWithIndices(1).Values), On("min last", i => i.X.Min(-1)), Do("argmax last", i => i.X.ArgMax(-1)), Do("argmax first", i => i.X.ArgMax(0)), Do("argmax middle", i => i.Cube.ArgMax(1)),
        On("var last", i => i.X.Var(-1)), On("var first", i => i.X.Var(0)), On("std all", i => i.X.Std()), On("norm last", i => i.X.Norm(2, -1)), On("norm all", i => i.X.Norm()), On("logsumexp last", i => i.X.LogSumExp(-1)),
        On("logsumexp first", i => i.X.LogSumExp(0)), On("cumsum last", i => i.X.CumSum(-1)), On("cumsum first", i => i.X.CumSum(0)), On("topk 8", i => i.X.TopK(8).Values), On("sort last", i => i.X.Sort().Values),
        On("cumprod last", i => i.Factors.CumProd(-1)), On("cumprod first", i => i.Factors.CumProd(0)), On("logcumsumexp last", i => i.X.LogCumSumExp(-1)),
        Do("argsort first", i => i.X.ArgSort(0)), Back("sum last", i => i.X.Sum(-1), X), Back("mean all", i => i.X.Mean(), X), Back("sum first", i => i.X.Sum(0), X), Back("max last", i => i.X.MaxWithIndices(-1).Values, X),
        Back("var last", i => i.X.Var(-1), X), Back("norm last", i => i.X.Norm(2, -1), X), Back("logsumexp last", i => i.X.LogSumExp(-1), X), Back("cumsum last", i => i.X.CumSum(-1), X), Back("cumprod last", i => i.Factors.CumProd(-1), i => [i.Factors]),
        Back("cumprod first", i => i.Factors.CumProd(0), i => [i.Factors]), Back("logcumsumexp last", i => i.X.LogCumSumExp(-1), X), Back("topk 8", i => i.X.TopK(8).Values, X),

        // softmax and losses
        On("softmax last", i => i.X.Softmax()), On("softmax first", i => i.X.Softmax(0)), On("softmax middle", i => i.Cube.Softmax(1)), On("log softmax last", i => i.X.LogSoftmax()), On("cross entropy", i => i.X.CrossEntropy(i.Labels)),
        On("bce with logits", i => i.X.BinaryCrossEntropyWithLogits(i.Mask)), On("mse", i => Losses.Mse(i.X, i.Y)), Back("softmax last", i => i.X.Softmax(), X), Back("softmax first", i => i.X.Softmax(0), X),
        Back("log softmax last", i => i.X.LogSoftmax(), X), Back("cross entropy", i => i.X.CrossEntropy(i.Labels), X), Back("bce with logits", i => i.X.BinaryCrossEntropyWithLogits(i.Mask), X), Back("mse", i => Losses.Mse(i.X, i.Y), X),
        On("ctc", Ctc), Back("ctc", Ctc, i => [i.LogProbabilities]), Back("huber", i => Losses.Huber(i.X, i.Y), X), Back("kl divergence", i => Losses.KlDivergence(i.X, i.Positive), X),

        // rows and places
        On("gather last", i => i.X.Gather(-1, i.OfColumns)), On("index select rows", i => i.X.IndexSelect(0, i.OfRows)), On("index select columns", i => i.X.IndexSelect(1, i.Labels)), On("scatter add", i => i.X.ScatterAdd(1, i.OfColumns, i.Y)),
        On("embedding", i => i.X.Embedding(i.OfRows)), On("one hot", i => i.Labels.OneHot(i.Columns)), Back("gather last", i => i.X.Gather(-1, i.OfColumns), X), Back("embedding", i => i.X.Embedding(i.OfRows), X),
        Back("index select columns", i => i.X.IndexSelect(1, i.Labels), X),

        // copies
        On("concat first", i => Tensor.Concat([i.X, i.Y], 0)), On("concat last", i => Tensor.Concat([i.X, i.Y], 1)), On("concat with a column", i => Tensor.Concat([i.X, i.Column], 1)), On("stack last", i => Tensor.Stack([i.X, i.Y], -1)), On("narrow last", i => i.X.Narrow(1, 3, i.Columns / 2)),
        Do("split last", i => i.X.Split(i.Columns / 4, 1)), On("transpose", i => i.X.Transpose(0, 1)), On("transpose last of cube", i => i.Cube.Transpose(1, 2)), On("transpose first of cube", i => i.Cube.Transpose(0, 1)),
        On("channels last", i => i.Images.Permute([0, 2, 3, 1])), On("flip last", i => i.X.Flip([1])), On("roll last", i => i.X.Roll(5, 1)), On("repeat", i => i.X.Repeat([1, 2])), On("repeat interleave", i => i.X.RepeatInterleave(2, 1)),
        On("pad", i => i.Images.Pad([(0, 0), (0, 0), (1, 1), (1, 1)])), On("pad reflect", i => i.Images.Pad([(0, 0), (0, 0), (1, 1), (1, 1)], PadMode.Reflect)), On("tril", i => i.X.Tril()), On("diagonal", i => i.X.Diagonal()),
        Back("concat last", i => Tensor.Concat([i.X, i.Y], 1), i => [i.X, i.Y]), Back("stack last", i => Tensor.Stack([i.X, i.Y], -1), i => [i.X, i.Y]), Back("transpose", i => i.X.Transpose(0, 1), X), Back("narrow last", i => i.X.Narrow(1, 3, i.Columns / 2), X),
        Back("repeat", i => i.X.Repeat([1, 2]), X), Back("pad", i => i.Images.Pad([(0, 0), (0, 0), (1, 1), (1, 1)]), Images),

        // products
        On("dot", i => i.X.Flatten().Dot(i.Y.Flatten())), On("outer", i => i.Column.Flatten().Outer(i.Row)), On("matrix times vector", i => i.X.MatMul(i.Row.Alias([i.Columns, 1]))), On("batched matmul", i => i.Cube.MatMul(i.Cube)),
        On("sparse matmul", i => i.Graph.MatMul(i.X)), Back("sparse matmul", i => i.Graph.MatMul(i.X), X),

        // pooling, resizing, convolution
        On("max pool 2", i => i.Images.MaxPool2d((2, 2))), On("max pool 3 stride 1", i => i.Images.MaxPool2d((3, 3), (1, 1), (1, 1))), On("avg pool 2", i => i.Images.AvgPool2d((2, 2))), On("adaptive avg pool", i => i.Images.AdaptiveAvgPool2d((5, 5))),
        On("max pool 1d", i => i.Cube.MaxPool1d(3)), Back("max pool 1d", i => i.Cube.MaxPool1d(3), i => [i.Cube]), On("max pool of whole lines", i => i.Cube.MaxPool1d(i.Cube.Shape[2])), Back("max pool of whole lines", i => i.Cube.MaxPool1d(i.Cube.Shape[2]), i => [i.Cube]),
        On("global avg pool", i => i.Images.AdaptiveAvgPool2d((1, 1))), Back("global avg pool", i => i.Images.AdaptiveAvgPool2d((1, 1)), Images), On("global max pool", i => i.Images.AdaptiveMaxPool2d((1, 1))), Back("global max pool", i => i.Images.AdaptiveMaxPool2d((1, 1)), Images),
        On("upsample nearest by half", i => i.Images.Upsample2d(ByHalf(i))), Back("upsample nearest by half", i => i.Images.Upsample2d(ByHalf(i)), Images), On("upsample bilinear by half", i => i.Images.Upsample2d(ByHalf(i), ResizeMode.Linear)), Back("upsample bilinear by half", i => i.Images.Upsample2d(ByHalf(i), ResizeMode.Linear), Images),
        On("upsample nearest", i => i.Images.Upsample2d(Twice(i))), On("upsample bilinear", i => i.Images.Upsample2d(Twice(i), ResizeMode.Linear)),
        Back("max pool 2", i => i.Images.MaxPool2d((2, 2)), Images), Back("max pool 3 stride 1", i => i.Images.MaxPool2d((3, 3), (1, 1), (1, 1)), Images), Back("avg pool 2", i => i.Images.AvgPool2d((2, 2)), Images), Back("adaptive avg pool", i => i.Images.AdaptiveAvgPool2d((5, 5)), Images),
        Back("upsample nearest", i => i.Images.Upsample2d(Twice(i)), Images), Back("upsample bilinear", i => i.Images.Upsample2d(Twice(i), ResizeMode.Linear), Images),
        .. Layer("conv2d 3x3", i => new Conv2d(i.Channels, i.Channels, 3, i.Rng, padding: 1), Images), .. Layer("conv2d 1x1", i => new Conv2d(i.Channels, i.Channels, 1, i.Rng), Images),
        .. Layer("conv2d 3x3 stride 2", i => new Conv2d(i.Channels, i.Channels, 3, i.Rng, stride: 2, padding: 1), Images), .. Layer("conv2d 3x3 groups 4", i => new Conv2d(i.Channels, i.Channels, 3, i.Rng, padding: 1, groups: 4), Images),
        .. Layer("depthwise 3x3", i => new DepthwiseConv2d(i.Channels, 3, i.Rng, padding: 1), Images), .. Layer("conv transpose 3x3 stride 2", i => new ConvTranspose2d(i.Channels, i.Channels, 3, i.Rng, stride: 2), Images),
        .. Layer("conv2d 3x3 to one", i => new Conv2d(i.Channels, 1, 3, i.Rng, padding: 1), Images), .. Layer("conv2d 3x3 to three", i => new Conv2d(i.Channels, 3, 3, i.Rng, padding: 1), Images),
        .. Layer("conv transpose 4x4 to one", i => new ConvTranspose2d(i.Channels, 1, 4, i.Rng, stride: 2, padding: 1), Images), .. Layer("conv transpose 4x4 to three", i => new ConvTranspose2d(i.Channels, 3, 4, i.Rng, stride: 2, padding: 1), Images),
        .. Layer("conv2d 3x3 of small images", i => new Conv2d(4 * i.Channels, 4 * i.Channels, 3, i.Rng, padding: 1), SmallImages), .. Layer("conv2d 3x3 stride 2 of small images", i => new Conv2d(4 * i.Channels, 4 * i.Channels, 3, i.Rng, stride: 2, padding: 1), SmallImages),
        .. Layer("depthwise 3x3 of small images", i => new DepthwiseConv2d(4 * i.Channels, 3, i.Rng, padding: 1), SmallImages), .. Layer("conv2d 3x3 of three channels, relu", i => new Sequential(new Conv2d(3, i.Channels, 3, i.Rng, padding: 1), new Relu()), i => [i.Colours]),
        .. Layer("conv1d 3", i => new Conv1d(i.Width, i.Width, 3, i.Rng, padding: 1), Lines),

        // normalisation, dropout
        .. Layer("batch norm", i => new BatchNorm(i.Channels), Images), .. Layer("batch norm of rows", i => new BatchNorm(i.Columns), X), .. Layer("batch norm of lines", i => new BatchNorm(i.Width), Lines), .. Layer("layer norm", i => new LayerNorm(i.Columns), X),
        .. Layer("group norm", i => new GroupNorm(2, i.Channels), Images), .. Layer("instance norm", i => new InstanceNorm(i.Channels), Images), .. Layer("prelu", i => new Prelu(), X),
        Back("dropout", i => i.X.Dropout(0.3f, i.Rng), X),

        // recurrent layers, attention
        .. Layer("lstm", i => new Lstm(i.Width, i.Width, i.Rng), Sequences), .. Layer("gru", i => new Gru(i.Width, i.Width, i.Rng), Sequences), .. Layer("rnn", i => new SimpleRnn(i.Width, i.Width, i.Rng), Sequences),
        .. Layer("encoder layer", i => new TransformerEncoderLayer(i.Width, 4, i.Rng, hidden: 2 * i.Width, dropout: 0), Sequences), On("embedding bag", i => i.X.EmbeddingBag(Indices.Wrap(i.OfRows.ToArray(), [i.Rows / 8, 8]))), Back("embedding bag", i => i.X.EmbeddingBag(Indices.Wrap(i.OfRows.ToArray(), [i.Rows / 8, 8])), X),
        On("attention of one query", i => i.Query.Attention(i.Sequences, i.Values, 4)), Back("attention of one query", i => i.Query.Attention(i.Sequences, i.Values, 4), i => [i.Query, i.Sequences, i.Values]),

        // gradients of gradients
        Penalty("dense", i => new Sequential(new Dense(i.Columns, i.Columns, i.Rng), new Tanh(), new Dense(i.Columns, 1, i.Rng)), X),
        Penalty("conv2d", i => new Sequential(new Conv2d(i.Channels, i.Channels, 3, i.Rng, padding: 1), new LeakyRelu(), new Conv2d(i.Channels, i.Channels, 3, i.Rng, padding: 1)), Images),
        Penalty("lstm", i => new Lstm(i.Width, i.Width, i.Rng), Sequences), Penalty("encoder layer", i => new TransformerEncoderLayer(i.Width, 4, i.Rng, hidden: 2 * i.Width, dropout: 0), Sequences),

        // optimisers: with w.Sum() and its gradient
        Step("sgd momentum", p => new Sgd(p, new() { Momentum = 0.9 })), Step("adam", p => new Adam(p)), Step("adamw", p => new AdamW(p)), Step("rmsprop", p => new RmsProp(p)), Step("adagrad", p => new Adagrad(p)), Step("adadelta", p => new Adadelta(p)),
        Step("adamax", p => new Adamax(p)), Step("nadam", p => new NAdam(p)), Step("radam", p => new RAdam(p)),
    ];

    private static OpCase On(string name, Func<OpInputs, Tensor> f) => new(name, i => () => f(i));

    private static OpCase Do(string name, Func<OpInputs, object> f) => new(name, i => () =>
    {
        f(i);
        return null;
    });

    private static OpCase Back(string name, Func<OpInputs, Tensor> f, Func<OpInputs, Tensor[]> wanted) => new($"{name}, and back", i => () => f(i), wanted);

    private static OpCase[] Layer(string name, Func<OpInputs, Layer> make, Func<OpInputs, Tensor[]> input)
    {
        Func<Tensor?> Run(OpInputs i)
        {
            var (layer, x) = (make(i), input(i)[0]);
            return () => layer.Forward(x);
        }
        return [new(name, Run), new($"{name}, and back", Run, input)];
    }

    // the mean square of the slope by the input, and its gradients
    private static OpCase Penalty(string name, Func<OpInputs, Layer> make, Func<OpInputs, Tensor[]> input) => new($"gradient penalty of {name}", i =>
    {
        var (layer, x) = (make(i), input(i)[0]);
        return () =>
        {
            using var tape = new Tape();
            tape.Watch(x);
            tape.Gradients(tape.RecordedGradients(layer.Forward(x).Sum(), x)[0].Square().Mean());
            return null;
        };
    });

    private static OpCase Step(string name, Func<(string, Parameter)[], Optimizer> make) => new(name, i =>
    {
        var w = new Parameter(i.X);
        var optimizer = make([("w", w)]);
        return () =>
        {
            using var tape = new Tape();
            optimizer.Step(tape.Gradients(w.Sum()));
            return null;
        };
    });

    private static Tensor Ctc(OpInputs i) => Losses.Ctc(i.LogProbabilities, i.Targets, i.Steps, i.Symbols);

    private static Tensor[] X(OpInputs i) => [i.X];

    private static Tensor[] Images(OpInputs i) => [i.Images];

    private static Tensor[] SmallImages(OpInputs i) => [i.SmallImages];

    private static Tensor[] Sequences(OpInputs i) => [i.Sequences];

    private static Tensor[] Lines(OpInputs i) => [i.Lines];

    private static (int, int) Twice(OpInputs i) => (2 * i.Images.Shape[2], 2 * i.Images.Shape[3]);

    private static (int, int) ByHalf(OpInputs i) => (i.Images.Shape[2] * 3 / 2, i.Images.Shape[3] * 3 / 2);
}
