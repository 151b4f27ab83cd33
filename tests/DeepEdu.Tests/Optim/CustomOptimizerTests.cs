using DeepEdu.Autograd;
using DeepEdu.Lanes;
using DeepEdu.Nn;
using DeepEdu.Numerics;
using DeepEdu.Ops;
using DeepEdu.Optim;
using DeepEdu.Tensors;

namespace DeepEdu.Tests.Optim;

/// <summary>Optimisers that are not the library's: momentum, written over spans and as a formula, beside <see cref="Sgd"/>.</summary>
public class CustomOptimizerTests
{
    private readonly Tensor _x = Tensor.Normal([16, 5], new Rng(2));

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void MomentumOfOnesOwnIsThatOfSgd(bool formula)
    {
        Dense own = Model(), library = Model();
        var mine = new Momentum(Groups(own), formula);
        var sgd = new Sgd(Groups(library), new() { LearningRate = 0.05, Momentum = 0.9, WeightDecay = 0.01 });
        for (int i = 0; i < 20; i++)
        {
            mine.LearningRate = sgd.LearningRate = 0.05 / (i + 1);
            Step(own, mine);
            Step(library, sgd);
        }
        Assert.Equal([20, 20], mine.Numbers.TakeLast(2)); // weight and bias, each its own steps
        for (int i = 0; i < 2; i++)
        {
            // the same sums, perhaps fused otherwise: twenty roundings of values near 1
            Assert.All(own.Parameters()[i].Value.ToArray().Zip(library.Parameters()[i].Value.ToArray()), p => Assert.Equal(p.Second, p.First, 2e-6f));
        }
    }

    [Fact]
    public void ItGoesOnFromItsSavedState()
    {
        Dense first = Model(), second = Model();
        var whole = new Momentum(Groups(first), formula: true);
        for (int i = 0; i < 6; i++) { Step(first, whole); }
        var begun = new Momentum(Groups(second), formula: true);
        for (int i = 0; i < 3; i++) { Step(second, begun); }
        var state = new StateDict();
        begun.SaveState(state);
        Assert.Contains("state.weight.velocity", state.Names);
        var rest = new Momentum(Groups(second), formula: false) { LearningRate = 1 };
        rest.LoadState(state);
        Assert.Equal(0.05, rest.LearningRate);
        rest = new Momentum(Groups(second), formula: true);
        rest.LoadState(state);
        for (int i = 0; i < 3; i++) { Step(second, rest); }
        Assert.Equal(first.Weight.ToArray(), second.Weight.ToArray());
    }

    [Fact]
    public void ASessionUsesWhatASpanWrote()
    {
        var model = Model();
        var session = new InferenceSession(model, [16, 5]);
        float[] before = new float[32], after = new float[32];
        session.Run(_x.ToArray(), before);
        Step(model, new Momentum(Groups(model), formula: false));
        session.Run(_x.ToArray(), after);
        Assert.NotEqual(before, after);
        Assert.Equal(model.Forward(_x).ToArray(), after);
    }

    [Fact]
    public void AFormulaNeedsItsStatistics()
    {
        var model = Model();
        var e = Assert.Throws<InvalidOperationException>(() => Step(model, new Forgetful(model.Parameters())));
        Assert.Contains("the formula uses 1 statistics, but 0 are named", e.Message, StringComparison.Ordinal);
        Assert.Throws<ArgumentOutOfRangeException>(() => new Momentum(Groups(model), true, rate: -1));
    }

    [Fact]
    public void AFormulaHasUpToThreeStatistics()
    {
        var w = new Parameter([2], [1, 2]);
        var three = new Three([("w", w)]);
        using (var tape = new Tape()) { three.Step(tape.Gradients((w * Tensor.Of(1f, 10)).Sum())); }
        Assert.Equal([1, 10, 2, 20, 3, 30], three.State().Skip(1).SelectMany(s => s.Value.ToArray()));
        Assert.Equal([1 - 6, 2 - 60], w.ToArray());
        Assert.Equal(2, three.Refused);
    }

    private sealed class Three(IReadOnlyList<(string, Parameter)> parameters) : CustomOptimizer(parameters, 0.1, 0, "a", "b", "c")
    {
        public int Refused { get; private set; }

        protected override void Update(ParameterStep step)
        {
            step.Run(new Sums());
            foreach (int none in new[] { -1, 3 })
            {
                try { step.State(none); }
                catch (ArgumentOutOfRangeException) { Refused++; }
            }
        }
    }

    private readonly struct Sums : IUpdate
    {
        public static int States => 3;

        public void Step<L>(ref L w, L g, ref L s1, ref L s2, ref L s3) where L : struct, ILane<L>
        {
            (s1, s2, s3) = (s1 + g, s2 + (2f * g), s3 + (3f * g));
            w -= s1 + s2 + s3;
        }
    }

    private static Dense Model() => new(5, 2, new Rng(1));

    private static ParameterGroup[] Groups(Dense model) =>
        [new(model.Parameters().Take(1).ToArray()), new(model.Parameters().Skip(1).ToArray()) { LearningRateFactor = 0.5, WeightDecay = 0 }];

    private void Step(Dense model, Optimizer optimizer)
    {
        using var tape = new Tape();
        optimizer.Step(tape.Gradients(model.Forward(_x).Square().Mean()));
    }

    private sealed class Momentum(ParameterGroup[] groups, bool formula, double rate = 0.05) : CustomOptimizer(groups, rate, 0.01, "velocity")
    {
        public List<int> Numbers { get; } = [];

        protected override void Update(ParameterStep step)
        {
            Numbers.Add(step.Number);
            if (formula) { step.Run(new Formula((float)step.LearningRate, (float)step.WeightDecay)); return; }
            Span<float> w = step.Parameter.AsSpan(), g = step.Gradient.AsSpan(), v = step.State(0).AsSpan();
            for (int i = 0; i < w.Length; i++)
            {
                v[i] = (0.9f * v[i]) + g[i] + ((float)step.WeightDecay * w[i]);
                w[i] -= (float)step.LearningRate * v[i];
            }
        }
    }

    private sealed class Forgetful(IReadOnlyList<(string, Parameter)> parameters) : CustomOptimizer(parameters, 0.1)
    {
        protected override void Update(ParameterStep step) => step.Run(new Formula(0.1f, 0));
    }

    private readonly struct Formula(float rate, float decay) : IUpdate
    {
        public static int States => 1;

        public void Step<L>(ref L w, L g, ref L s1, ref L s2, ref L s3) where L : struct, ILane<L>
        {
            s1 = (0.9f * s1) + g + (decay * w);
            w -= rate * s1;
        }
    }
}
