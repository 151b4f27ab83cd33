using DeepEdu.Collectives;
using DeepEdu.Io;
using DeepEdu.Metrics;
using DeepEdu.Tensors;
using FsCheck;
using FsCheck.Fluent;

namespace DeepEdu.Tests.Metrics;

/// <summary>What holds for every metric: two halves merged are the whole, a saved state goes on, weight 0 masks, weight n is n examples.</summary>
public class MetricProperties
{
    /// <summary>An example for all metrics: numbers in small ranges, so that ties and repetitions come up.</summary>
    public readonly record struct Example(int A, int B, int Weight);

    private static readonly string[] s_words = ["the", "cat", "sat", "on", "a"];

    private static readonly Row[] s_rows =
    [
        Row.Of("accuracy", () => new Accuracy(), (m, e, w) => m.Add(e.A, e.B, w), m => m.Value),
        Row.Of("top-k", () => new TopKAccuracy(2), (m, e, w) => m.Add([e.A, e.B, 2, 1], e.B % 4, w), m => m.Value),
        Row.Of("confusion", () => new ConfusionMatrix(5), (m, e, w) => m.Add(e.A, e.B, w), m => m.Value, m => m.F1(Average.Macro), m => m.Precision(Average.Weighted), m => m.Recall(Average.Macro)),
        Row.Of("roc", () => new RocAuc(), (m, e, w) => m.Add(e.A, e.B > 2, w), m => m.Value),
        Row.Of("pr", () => new PrAuc(), (m, e, w) => m.Add(e.A, e.B > 2, w), m => m.Value),
        Row.Of("log loss", () => new LogLoss(), (m, e, w) => m.Add(e.A / 4.0, e.B > 2, w), m => m.Value),
        Row.Of("brier", () => new BrierScore(), (m, e, w) => m.Add(e.A / 4.0, e.B > 2, w), m => m.Value),
        Row.Of("calibration", () => new Calibration(3), (m, e, w) => m.Add(e.A / 4.0, e.B > 2, w), m => m.Value, m => m.Bins[0].Confidence),
        Row.Of("regression", () => new RegressionError(), (m, e, w) => m.Add(e.A, e.B, w), m => m.Rmse, m => m.Mae, m => m.R2),
        Row.Of("correlation", () => new Correlation(), (m, e, w) => m.Add(e.A, e.B, w), m => m.PearsonR, m => m.SpearmanRho, m => m.KendallTau),
        Row.Of("quadratic kappa", () => new WeightedKappa(0, 4), (m, e, w) => m.Add(e.A, e.B, w), m => m.Value),
        Row.Of("linear kappa", () => new WeightedKappa(0, 4, KappaWeights.Linear), (m, e, w) => m.Add(e.A, e.B, w), m => m.Value),
        Row.Of("leave one out", () => new LeaveOneOutRanking(2), (m, e, w) => m.Add(e.A, [e.B, 1, 2], w), m => m.HitRate, m => m.Ndcg, m => m.Mrr),
        Row.Of("lists", () => new ListRanking(2), (m, e, w) => m.Add([e.A, e.B, 1, 2], [e.B, 0, e.A % 2, 0], w), m => m.HitRate, m => m.Recall, m => m.Precision, m => m.Map, m => m.Mrr, m => m.Ndcg),
        Row.Of("agreement", () => new DegreeOfAgreement(), (m, e, w) => m.Add(e.A % 2, e.B % 2, e.A, e.B, w), m => m.Value, m => m.BySkill().Sum(s => s.Pairs)),
        Row.Of("catalogue", () => new CatalogueUse([3, 0, 4, 1, 9], 10), (m, e, w) => m.Add([e.A, e.B], w), m => m.Coverage, m => m.Gini, m => m.Novelty),
        Row.Of("perplexity", () => new Perplexity(), (m, e, w) => m.Add(e.A, w), m => m.Value),
        Row.Of("bleu", () => new Bleu(2, smooth: true), (m, e, w) => m.Add(Text(e.A), [Text(e.B), Text(2)], w), m => m.Value),
        Row.Of("overlap", () => new TextOverlap(1.2), (m, e, w) => m.Add(Text(e.A), [Text(e.B)], w), m => m.ExactMatch, m => m.TokenF1, m => m.RougeL),
        Row.Of("distinct", () => new DistinctNGrams(2), (m, e, w) => { for (int i = 0; i < w; i++) { m.Add(Text(e.A)); } m.Add(Text(e.B), masked: true); }, m => m.Value),
        Row.Of("by group", () => new MetricFrame<Accuracy>(() => new Accuracy()), (m, e, w) => m.For($"g{e.B % 2}").Add(e.A, e.B, w), m => m.Value, m => m.Ratio(), m => m.Overall.Value),
    ];

    public static TheoryData<string> Names => [.. s_rows.Select(r => r.Name)];

    [Theory, MemberData(nameof(Names))]
    public void HalvesMergedAreTheWhole(string name) => Check(name, (row, examples, cut) => row.Merged(examples, Math.Abs(cut) % (examples.Length + 1)));

    [Theory, MemberData(nameof(Names))]
    public void ASavedStateGoesOn(string name) => Check(name, (row, examples, cut) => row.Resumed(examples, Math.Abs(cut) % (examples.Length + 1)));

    [Theory, MemberData(nameof(Names))]
    public void PartsCountedApartAreTheWhole(string name) => Check(name, (row, examples, cut) => row.Apart(examples, Math.Abs(cut) % (examples.Length + 1)));

    [Theory, MemberData(nameof(Names))]
    public void WeightsCountAsRepetition(string name) => Check(name, (row, examples, _) => row.Values([.. examples.SelectMany(e => Enumerable.Repeat(e with { Weight = 1 }, e.Weight))]));

    [Theory, MemberData(nameof(Names))]
    public void AResetMetricIsANewOne(string name) => Check(name, (row, examples, cut) => row.Reset(examples, Math.Abs(cut) % (examples.Length + 1)));

    [Theory, MemberData(nameof(Names))]
    public void WeightsBelowZeroAreRefused(string name)
    {
        if (name != "distinct") { s_rows.Single(r => r.Name == name).Refuses(new(1, 2, -1)); } // which counts texts, not weights
    }

    [Fact]
    public void EveryMetricOfTheLibraryHasARow()
    {
        var all = typeof(IMetric).Assembly.GetTypes().Where(t => t is { IsClass: true, IsPublic: true } && t.IsAssignableTo(typeof(IMetric)));
        Assert.Empty(all.Except(s_rows.Select(r => r.Type.IsGenericType ? r.Type.GetGenericTypeDefinition() : r.Type)).Select(t => t.Name));
    }

    private static string[] Text(int number) => [.. Enumerable.Range(0, 3 + (number % 3)).Select(i => s_words[number * (i + 1) % s_words.Length])];

    private static void Check(string name, Func<Row, Example[], int, double[]> other)
    {
        var row = s_rows.Single(r => r.Name == name);
        var example = from a in Gen.Choose(0, 4) from b in Gen.Choose(0, 4) from w in Gen.Choose(0, 2) select new Example(a, b, w);
        var cases = from examples in example.ArrayOf() from cut in Gen.Choose(0, 1000) select (examples, cut);
        Prop.ForAll(cases.ToArbitrary(), c =>
        {
            double[] whole = row.Values(c.examples), parts = other(row, c.examples, c.cut);
            for (int i = 0; i < whole.Length; i++)
            {
                if (double.IsNaN(whole[i])) { Assert.True(double.IsNaN(parts[i]), $"{name}: NaN and {parts[i]}"); }
                else { Assert.Equal(whole[i], parts[i], 1e-11); } // sums of doubles in another order
            }
        }).Hold();
    }

    private abstract class Row(string name, Type type)
    {
        public string Name => name;

        public Type Type => type;

        public static Row<M> Of<M>(string name, Func<M> make, Action<M, Example, int> add, params Func<M, double>[] values) where M : IMetric<M> => new(name, make, add, values);

        public abstract double[] Values(Example[] examples);

        public abstract double[] Merged(Example[] examples, int cut);

        public abstract double[] Resumed(Example[] examples, int cut);

        public abstract double[] Apart(Example[] examples, int cut);

        public abstract double[] Reset(Example[] examples, int cut);

        public abstract void Refuses(Example example);
    }

    private sealed class Row<M>(string name, Func<M> make, Action<M, Example, int> add, Func<M, double>[] values) : Row(name, typeof(M)) where M : IMetric<M>
    {
        public override double[] Values(Example[] examples) => Read(Filled(examples));

        public override double[] Merged(Example[] examples, int cut)
        {
            M left = Filled(examples[..cut]), right = Filled(examples[cut..]);
            left.Merge(right);
            return Read(left);
        }

        public override double[] Resumed(Example[] examples, int cut)
        {
            StateDict state = new();
            Filled(examples[..cut]).SaveState(state);
            M other = Filled([new(1, 2, 1), new(3, 3, 2)]); // what it has seen is forgotten
            other.LoadState(state);
            foreach (var e in examples[cut..]) { add(other, e, e.Weight); }
            return Read(other);
        }

        // filled with others, emptied, and filled
        public override double[] Reset(Example[] examples, int cut)
        {
            M metric = Filled([.. examples[cut..], new(1, 2, 1), new(3, 3, 2)]);
            metric.Reset();
            Assert.Equal(Read(make()), Read(metric));
            foreach (var e in examples) { add(metric, e, e.Weight); }
            return Read(metric);
        }

        public override void Refuses(Example example) =>
            Assert.Contains($"weight {example.Weight} must be finite and not negative", Assert.Throws<ArgumentOutOfRangeException>(() => add(make(), example, example.Weight)).Message, StringComparison.Ordinal);

        // as training in parts does it: of two fresh ones the first takes over what the second one has read from messages
        public override double[] Apart(Example[] examples, int cut)
        {
            IMetric all = make().Fresh(), part = Filled(examples).Fresh();
            foreach (var some in new[] { examples[..cut], examples[cut..] })
            {
                var message = new MessageWriter();
                StateMessage.Write(message, Filled(some));
                var reader = new MessageReader(message.Written.Span);
                part.LoadState(StateMessage.Read(ref reader));
                Assert.True(reader.IsAtEnd);
                all.Take(part);
            }
            return Read((M)all);
        }

        private M Filled(Example[] examples)
        {
            M metric = make();
            foreach (var e in examples) { add(metric, e, e.Weight); }
            return metric;
        }

        private double[] Read(M metric) => [metric.Value, .. values.Select(v => v(metric))];
    }
}
