using DeepEdu.Autograd;
using DeepEdu.Data;
using DeepEdu.Ops;
using DeepEdu.Optim;
using DeepEdu.Tensors;

namespace DeepEdu.Tests.Optim;

/// <summary>Settings that cannot be meant, and states that do not fit, are named.</summary>
public class OptimErrorTests
{
    private static readonly Parameter s_w = new([2], [1, 2]);
    private static readonly (string, Parameter)[] s_one = [("w", s_w)];

    public static TheoryData<string, string> Settings => new()
    {
        { "learning rate", "learning rate -1" }, { "weight decay", "weight decay -1" }, { "momentum", "momentum -1" }, { "beta1", "beta1 1" }, { "beta2", "beta2 1" }, { "epsilon", "epsilon -1" },
        { "decay", "decay 1" }, { "NaN", "learning rate NaN" }, { "nesterov", "Nesterov" }, { "none", "no parameter to learn" },
        { "adam epsilon", "epsilon -1" }, { "adadelta", "decay 1" }, { "adadelta epsilon", "epsilon -1" }, { "adagrad decay", "learning rate decay -1" }, { "adagrad start", "initial accumulator -1" },
        { "adamax", "beta1 1" }, { "lion", "beta1 1" }, { "lion2", "beta2 1" }, { "nadam", "beta1 1" }, { "nadam decay", "momentum decay -1" }, { "radam", "beta2 1" }, { "rmsprop epsilon", "epsilon -1" }, { "rmsprop momentum", "momentum -1" },
    };

    [Theory, MemberData(nameof(Settings))]
    public void ASettingThatCannotBeMeantIsNamed(string which, string text)
    {
        Func<Optimizer> make = which switch
        {
            "learning rate" => () => new Sgd(s_one, new() { LearningRate = -1 }),
            "weight decay" => () => new AdamW(s_one, new() { WeightDecay = -1 }),
            "momentum" => () => new Sgd(s_one, new() { Momentum = -1 }),
            "beta1" => () => new Adam(s_one, new() { Beta1 = 1 }),
            "beta2" => () => new Adam(s_one, new() { Beta2 = 1 }),
            "epsilon" => () => new Adagrad(s_one, new() { Epsilon = -1 }),
            "decay" => () => new RmsProp(s_one, new() { Decay = 1 }),
            "NaN" => () => new Adam(s_one, new() { LearningRate = double.NaN }),
            "adam epsilon" => () => new Adam(s_one, new() { Epsilon = -1 }),
            "adadelta" => () => new Adadelta(s_one, new() { Decay = 1 }),
            "adadelta epsilon" => () => new Adadelta(s_one, new() { Epsilon = -1 }),
            "adagrad decay" => () => new Adagrad(s_one, new() { LearningRateDecay = -1 }),
            "adagrad start" => () => new Adagrad(s_one, new() { InitialAccumulator = -1 }),
            "adamax" => () => new Adamax(s_one, new() { Beta1 = 1 }),
            "lion" => () => new Lion(s_one, new() { Beta1 = 1 }),
            "lion2" => () => new Lion(s_one, new() { Beta2 = 1 }),
            "nadam" => () => new NAdam(s_one, new() { Beta1 = 1 }),
            "nadam decay" => () => new NAdam(s_one, new() { MomentumDecay = -1 }),
            "radam" => () => new RAdam(s_one, new() { Beta2 = 1 }),
            "rmsprop epsilon" => () => new RmsProp(s_one, new() { Epsilon = -1 }),
            "rmsprop momentum" => () => new RmsProp(s_one, new() { Momentum = -1 }),
            "nesterov" => () => new Sgd(s_one, new() { Nesterov = true }),
            _ => () => new Adam(Array.Empty<ParameterGroup>()),
        };
        Assert.Contains(text, Assert.ThrowsAny<ArgumentException>(make).Message, StringComparison.Ordinal);
    }

    /// <summary>PyTorch's, Lion's those of its paper.</summary>
    [Fact]
    public void DefaultsAreThoseOfPyTorch()
    {
        Assert.Equal((1e-3, 0.9, 0.999, 1e-8, 0), (new AdamOptions().LearningRate, new AdamOptions().Beta1, new AdamOptions().Beta2, new AdamOptions().Epsilon, new AdamOptions().WeightDecay));
        Assert.Equal((1e-2, 1e-10), (new AdagradOptions().LearningRate, new AdagradOptions().Epsilon));
        Assert.Equal((1e-4, 0.9, 0.99), (new LionOptions().LearningRate, new LionOptions().Beta1, new LionOptions().Beta2));
        Assert.Equal((2e-3, 4e-3), (new NAdamOptions().LearningRate, new NAdamOptions().MomentumDecay));
        Assert.Equal((1e-2, 1e-8, 1e-2, 1e-3), (new RmsPropOptions().LearningRate, new RmsPropOptions().Epsilon, new SgdOptions().LearningRate, new RAdamOptions().LearningRate));
        LbfgsOptions l = new();
        Assert.Equal((1, 20, null, 1e-7, 1e-9, 100), (l.LearningRate, l.MaxIterations, l.MaxEvaluations, l.GradientTolerance, l.ChangeTolerance, l.History));
        PlateauOptions p = new();
        Assert.Equal((0.1, 10, 1e-4, false, 0, 0), (p.Factor, p.Patience, p.Threshold, p.ThresholdIsAbsolute, p.Cooldown, p.Floor));
    }

    [Fact]
    public void TheEndsOfRangesAreInside()
    {
        var w = new Parameter([2], [1, 2]);
        foreach (var optimizer in new Optimizer[] { new Adam([("w", w)], new() { Beta1 = 0, Beta2 = 0, Epsilon = 0 }), new RmsProp([("w", w)], new() { Decay = 0 }), new Sgd([("w", w)], new() { LearningRate = 0 }) })
        {
            using var tape = new Tape();
            optimizer.Step(tape.Gradients(w.Sum()));
        }
        // both moments are the gradient: a step of the learning rate, 1e-3 and 1e-2
        Assert.Equal([1 - 0.011f, 2 - 0.011f], w.ToArray(), (a, b) => Math.Abs(a - b) < 1e-6f);
    }

    [Fact]
    public void WhereLionSeesNoSlopeItStays()
    {
        var w = new Parameter([3], [1, 2, 3]);
        var lion = new Lion([("w", w)], new() { LearningRate = 0.5 });
        using var tape = new Tape();
        lion.Step(tape.Gradients(w, Tensor.Of(0, 1e-9f, -1e-9f)));
        Assert.Equal([1, 1.5f, 3.5f], w.ToArray());
    }

    [Theory, InlineData(0f), InlineData(-1f), InlineData(float.NaN)]
    public void ALimitOfNothingClipsNothing(float limit)
    {
        var w = new Parameter([2], [1, 2]);
        using var tape = new Tape();
        var gradients = tape.Gradients(w.Sum());
        Assert.Contains("clip: the limit", Assert.Throws<ArgumentOutOfRangeException>(() => Clip.ByNorm(gradients, limit)).Message, StringComparison.Ordinal);
        Assert.Contains("clip: the limit", Assert.Throws<ArgumentOutOfRangeException>(() => Clip.ByValue(gradients, limit)).Message, StringComparison.Ordinal);
        Assert.Contains("gradient-sum: weight", Assert.Throws<ArgumentOutOfRangeException>(() => new GradientSum().Add(gradients, limit == 0 ? -1 : limit)).Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(double.NaN)]
    [InlineData(-1)]
    [InlineData(double.PositiveInfinity)]
    public void ARateThatAScheduleCannotMeanIsRefused(double rate)
    {
        var adam = new Adam(s_one) { LearningRate = 0.5 };
        Assert.Contains("learning rate", Assert.Throws<ArgumentOutOfRangeException>(() => adam.LearningRate = rate).Message, StringComparison.Ordinal);
        Assert.Equal(0.5, adam.LearningRate);
    }

    [Fact]
    public void GradientsOfAnotherModelAreRefused()
    {
        Parameter mine = new([2], [1, 2]), other = new([2], [3, 4]);
        var sgd = new Sgd([("mine", mine)]);
        using var tape = new Tape();
        var gradients = tape.Gradients(other.Square().Sum());
        Assert.Contains("none of its 1 parameters (\"mine\" [2], ..) is among the 1", Assert.Throws<InvalidOperationException>(() => sgd.Step(gradients)).Message, StringComparison.Ordinal);
        mine.Trainable = false; // nothing is expected of it then
        sgd.Step(gradients);
        Assert.Equal([1f, 2f], mine.ToArray());
    }

    [Theory]
    [InlineData("lacks")]
    [InlineData("is [3], the parameter [2]")]
    [InlineData("belongs to no parameter")]
    public void AStateThatDoesNotFitChangesNothing(string text)
    {
        List<(string Name, Tensor Value)> Make(float value) => [("w.step", Tensor.Scalar(3)), ("w.exp_avg", Tensor.Full([2], value)), ("w.exp_avg_sq", Tensor.Full([2], value))];
        var adam = new Adam(s_one);
        adam.Restore(Make(5));
        var bad = Make(9);
        switch (text)
        {
            case "lacks": bad.RemoveAt(2); break;
            case "belongs to no parameter": bad.Add(("v.step", Tensor.Scalar(1))); break;
            default: bad[2] = ("w.exp_avg_sq", Tensor.Ones([3])); break;
        }
        Assert.Contains(text, Assert.Throws<ArgumentException>(() => adam.Restore(bad)).Message, StringComparison.Ordinal);
        Assert.All(adam.State().Skip(1), s => Assert.Equal([5, 5], s.Value.ToArray()));
    }

    [Fact]
    public void BatchesAndSchedulesRefuseWhatHasNoMeaning()
    {
        Assert.Throws<ArgumentOutOfRangeException>(() => new Batches(10, 0));
        Assert.Throws<ArgumentOutOfRangeException>(() => new Batches(-1, 4));
        Assert.Throws<ArgumentOutOfRangeException>(() => new Batches(10, 4).Epoch(-1));
        Assert.Throws<ArgumentOutOfRangeException>(() => Schedule.Step(1, 0));
        Assert.Throws<ArgumentOutOfRangeException>(() => Schedule.OneCycle(1, 1));
        Assert.Throws<ArgumentOutOfRangeException>(() => Schedule.Constant(1).At(-1));
    }

    [Fact]
    public void TwoStepsAtATimeAreRefused()
    {
        var w = new Parameter([2], [1, 2]);
        var sgd = new Sgd([("w", w)]);
        Exception? inner = null;
        using var tape = new Tape();
        var gradients = tape.Gradients(w.Square().Sum());
        w.Constraint = _ => inner = Record.Exception(() => sgd.Step(gradients)); // called in the middle of a step
        sgd.Step(gradients);
        Assert.Contains("optimizer: another thread is in the middle of its step", Assert.IsType<InvalidOperationException>(inner).Message, StringComparison.Ordinal);
        w.Constraint = null;
        sgd.Step(gradients);
    }

    [Fact]
    public void GroupsRefuseFactorsAndDecaysThatAreNoNumber()
    {
        var group = new ParameterGroup([("w", new Parameter([1]))]);
        Assert.Contains("learning rate factor NaN", Assert.Throws<ArgumentOutOfRangeException>(() => group.LearningRateFactor = double.NaN).Message, StringComparison.Ordinal);
        Assert.Contains("weight decay -1", Assert.Throws<ArgumentOutOfRangeException>(() => group.WeightDecay = -1).Message, StringComparison.Ordinal);
        (group.LearningRateFactor, group.WeightDecay) = (0, null);
    }

    [Theory]
    [InlineData(1, 0, 0, 0)]
    [InlineData(double.NaN, 0, 0, 0)]
    [InlineData(0.1, -1, 0, 0)]
    [InlineData(0.1, 0, -1, 0)]
    [InlineData(0.1, 0, 0, double.NaN)]
    public void APlateauRefusesOptionsThatLowerNothing(double factor, int patience, int cooldown, double threshold) =>
        Assert.StartsWith("plateau: ", Assert.Throws<ArgumentOutOfRangeException>(() => new Plateau(new Sgd([("w", new Parameter([1]))]), new() { Factor = factor, Patience = patience, Cooldown = cooldown, Threshold = threshold })).Message, StringComparison.Ordinal);

    [Fact]
    public void LbfgsRefusesAParameterTwiceAndConstraints()
    {
        var w = new Parameter([1], [1]);
        Assert.Contains("lbfgs: the parameter \"v\"", Assert.Throws<ArgumentException>(() => new Lbfgs([("w", w), ("v", w)])).Message, StringComparison.Ordinal);
        var lbfgs = new Lbfgs([("w", w)]);
        w.Constraint = DeepEdu.Nn.Constraint.NonNegative();
        Assert.Contains("lbfgs: a parameter [1] has a constraint", Assert.Throws<InvalidOperationException>(() => lbfgs.Step(() => (w + 3).Square().Sum())).Message, StringComparison.Ordinal);
    }
}
