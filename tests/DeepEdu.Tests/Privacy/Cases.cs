using DeepEdu.Data;
using DeepEdu.Nn;
using DeepEdu.Numerics;
using DeepEdu.Ops;
using DeepEdu.Optim;
using DeepEdu.Privacy;
using DeepEdu.Tensors;

namespace DeepEdu.Tests.Privacy;

/// <summary>A small model, some samples, and the mean loss of those of some rows.</summary>
internal sealed record Case(Module Model, Func<int[], Tensor> Loss)
{
    public const int Rows = 6;
    private static readonly int[] s_labels = [0, 2, 1, 1, 0, 2];
    private static readonly int[] s_lengths = [7, 3, 1, 5, 9, 4];

    public static Case Of(string kind) => kind switch
    {
        "lstm" => Texts(new Reader(bidirectional: true, sparse: false)),
        "lstm-rows" => Texts(new Reader(bidirectional: false, sparse: true)),
        "attention" => Attention(),
        "convolution" => Convolution(),
        "gru" => Floats(new Weekly(new Rng(4))),
        _ => throw new ArgumentOutOfRangeException(nameof(kind)),
    };

    /// <summary>All parameters' gradients, as a private step gives them to its optimiser.</summary>
    public Dictionary<string, float[]> Step(PrivateGradients privacy, params int[] rows)
    {
        var seen = new Recorder(Model);
        privacy.Step(seen, rows, row => Loss([row]));
        return seen.Gradients;
    }

    /// <summary>Private gradients whose every batch is all rows.</summary>
    public PrivateGradients Private(float clip, double noise, ulong seed = 1) => new(Model, new PoissonBatches(Rows, Rows, new Rng(seed)), new() { ClipNorm = clip, Noise = noise, Delta = 1e-5 }, new Rng(seed));

    // sequences of unequal length, padded when they are in one batch
    private static Case Texts(Reader model)
    {
        var rng = new Rng(9);
        int[][] texts = [.. s_lengths.Select(n => Enumerable.Range(0, n).Select(_ => rng.Next(12)).ToArray())];
        return new(model, rows =>
        {
            int steps = rows.Max(r => texts[r].Length);
            int[] padded = [.. rows.SelectMany(r => texts[r].Concat(Enumerable.Repeat(0, steps - texts[r].Length)))];
            return model.Forward(Indices.Wrap(padded, [rows.Length, steps]), Array.ConvertAll(rows, r => texts[r].Length)).CrossEntropy(Array.ConvertAll(rows, r => s_labels[r]));
        });
    }

    private static Case Attention()
    {
        var rng = new Rng(3);
        var model = new Sequential(new TransformerEncoderLayer(8, 2, rng, hidden: 16, dropout: 0), new Lambda(x => x.Mean(1)), new Dense(8, 3, rng));
        return Plain(model, Tensor.Normal([Rows, 5, 8], new Rng(2)));
    }

    private static Case Convolution()
    {
        var rng = new Rng(6);
        return Plain(new Sequential(new Conv2d(1, 4, 3, rng), new GroupNorm(2, 4), new Relu(), new MaxPool2d(2), new Flatten(), new Dense(4 * 9, 3, rng)), Tensor.Normal([Rows, 1, 8, 8], new Rng(2)));
    }

    private static Case Floats(Weekly model) => Plain(model, Tensor.Normal([Rows, 6, 3], new Rng(2)));

    private static Case Plain(Layer model, Tensor x) => new(model, rows => model.Forward(x.IndexSelect(0, rows)).CrossEntropy(Array.ConvertAll(rows, r => s_labels[r])));

    internal sealed class Reader : Module
    {
        private readonly Embedding _embedding;
        private readonly Lstm _lstm;
        private readonly Dense _head;

        public Reader(bool bidirectional, bool sparse)
        {
            var rng = new Rng(7);
            _embedding = new(12, 4, rng, sparse: sparse);
            _lstm = new(4, 5, rng, bidirectional: bidirectional);
            _head = new(bidirectional ? 10 : 5, 3, rng);
        }

        public Tensor Forward(Indices text, Indices lengths) => _head.Forward(_lstm.Run(_embedding.Forward(text), lengths: lengths).Output.MeanOverTime(lengths));

        public Tensor Last(Indices text) => _head.Forward(_lstm.Run(_embedding.Forward(text)).State.H.Squeeze(0));

        protected internal override void Parts(Parts p) => p.Of(_embedding).Of(_lstm).Of(_head);
    }

    private sealed class Weekly(Rng rng) : Layer
    {
        private readonly Gru _gru = new(3, 4, rng);
        private readonly LayerNorm _norm = new(4);
        private readonly Dense _head = new(4, 3, rng);

        public override Tensor Forward(Tensor x) => _head.Forward(_norm.Forward(_gru.Forward(x).Narrow(1, x.Shape[1] - 1, 1).Squeeze(1)));

        protected internal override void Parts(Parts p) => p.Of(_gru).Of(_norm).Of(_head);
    }

    /// <summary>Moves nothing and remembers what it was given.</summary>
    internal sealed class Recorder(Module model) : CustomOptimizer(model.Parameters(), learningRate: 1)
    {
        private readonly Dictionary<Tensor, string> _names = model.Parameters().ToDictionary(p => (Tensor)p.Value, p => p.Name, ReferenceEqualityComparer.Instance as IEqualityComparer<Tensor>);

        public Dictionary<string, float[]> Gradients { get; } = [];

        protected override void Update(ParameterStep step) => Gradients[_names[step.Parameter]] = step.Gradient.ToArray();
    }
}
