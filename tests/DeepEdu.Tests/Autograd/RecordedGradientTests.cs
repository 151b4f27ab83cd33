using DeepEdu.Autograd;
using DeepEdu.Devices;
using DeepEdu.Nn;
using DeepEdu.Numerics;
using DeepEdu.Ops;
using DeepEdu.Optim;
using DeepEdu.Tensors;

namespace DeepEdu.Tests.Autograd;

[Collection("alone")]
public class RecordedGradientTests
{
    [Fact]
    public void PowersOfProductsAreDifferentiatedAsOftenAsWanted()
    {
        using var tape = new Tape();
        var x = tape.Watch(Tensor.Of([2], [2, -3]));
        var y = (x * x * x * x).Sum();
        var first = tape.RecordedGradients(y, x)[0];
        var second = tape.RecordedGradients(first.Sum(), x)[0];
        var third = tape.RecordedGradients(second.Sum(), x)[0];
        Assert.Equal([32, -108], first.ToArray());
        Assert.Equal([48, 108], second.ToArray());
        Assert.Equal([48, -72], third.ToArray());
        Assert.Equal([24, 24], tape.Gradients(third.Sum())[x].ToArray());
    }

    /// <summary>sin, cos, −sin, −cos; and of two operands: xᵖ by x, p and x.</summary>
    [Fact]
    public void AFormulaIsDifferentiatedThreeTimes()
    {
        using var tape = new Tape();
        Tensor x = tape.Watch(Tensor.Of([1], [0.5f])), p = tape.Watch(Tensor.Of([1], [2.5f]));
        var second = Next(tape, Next(tape, x.Sin(), x), x);
        Assert.Equal(-MathF.Sin(0.5f), second.Item(), 1e-6f);
        Assert.Equal(-MathF.Cos(0.5f), tape.Gradients(second.Sum())[x].Item(), 1e-6f);
        Assert.Contains("Sin is not made of recorded operations", Assert.Throws<InvalidOperationException>(() => Next(tape, second, x)).Message);

        // ∂²/∂p∂x xᵖ = xᵖ⁻¹(1 + p ln x), and by x once more xᵖ⁻²((p − 1)(1 + p ln x) + p)
        var mixed = Next(tape, Next(tape, x.Pow(p), x), p);
        float log = MathF.Log(0.5f), once = 1 + (2.5f * log);
        Assert.Equal(MathF.Pow(0.5f, 1.5f) * once, mixed.Item(), 1e-6f);
        Assert.Equal(MathF.Pow(0.5f, 0.5f) * ((1.5f * once) + 2.5f), tape.Gradients(mixed.Sum())[x].Item(), 1e-5f);

        static Tensor Next(Tape tape, Tensor y, Tensor x) => tape.RecordedGradients(y.Sum(), x)[0];
    }

    [Fact]
    public void AnyTensorOnTheWayHasOne()
    {
        using var tape = new Tape();
        var w = new Parameter([2], [3, 4]);
        var h = w * 2;
        var y = (h * h).Sum();
        var g = tape.RecordedGradients(y, h, w);
        Assert.Equal([12, 16], g[0].ToArray());
        Assert.Equal([24, 32], g[1].ToArray());
        Assert.Equal([4, 4], tape.Gradients(g[0].Sum())[w].ToArray()); // d(2h)/dw
    }

    [Fact]
    public void TheGradientToStartFromMayBeRecordedToo()
    {
        using var tape = new Tape();
        Tensor x = tape.Watch(Tensor.Of([2], [1, 2])), v = tape.Watch(Tensor.Of([2], [5, 7]));
        var g = tape.RecordedGradients(x * x, [x], v)[0];
        Assert.Equal([10, 28], g.ToArray());
        Assert.Equal([2, 4], tape.Gradients(g.Sum())[v].ToArray());
    }

    [Fact]
    public void ErrorsTell()
    {
        using var tape = new Tape();
        Tensor x = tape.Watch(Tensor.Of([2], [1, 2])), other = tape.Watch(Tensor.Of([3], [1, 2, 3])), strange = Tensor.Ones([4]);
        var y = x.Square().Sum();
        Assert.Contains("must be one value", Assert.Throws<ShapeException>(() => tape.RecordedGradients(x * 2, x)).Message);
        Assert.Contains("does not depend on tensor 1 [3]", Assert.Throws<InvalidOperationException>(() => tape.RecordedGradients(y, x, other)).Message);
        Assert.Contains("does not know tensor 0 [4]; Watch it", Assert.Throws<InvalidOperationException>(() => tape.RecordedGradients(y, strange)).Message);
        // a linear function's gradient is a constant
        var constant = tape.RecordedGradients((x * 3).Sum(), x)[0];
        Assert.Contains("RecordedGradients", Assert.Throws<InvalidOperationException>(() => tape.Gradients(constant.Sum())).Message);
    }

    private static Tensor Twice(Tensor x, bool recordable)
    {
        var y = (x.Detach() * 2).Detach();
        Edge edge = new(x, recordable ? dy => dy * 2 : dy => (dy.Detach() * 2).Detach());
        if (recordable) { Tape.For(x)?.AddRecordable(y, edge); }
        else { Tape.For(x)?.Add(y, edge); }
        return y;
    }

    [Fact]
    public void AnOperationOfOnesOwnTakesPartWhereItSaysSo()
    {
        using var tape = new Tape();
        var x = tape.Watch(Tensor.Of([1], [3]));
        Tensor y = Twice(x, recordable: true), z = Twice(x, recordable: false);
        Assert.Equal([8], tape.Gradients(tape.RecordedGradients((y * y).Sum(), x)[0].Sum())[x].ToArray());
        var e = Assert.Throws<InvalidOperationException>(() => tape.RecordedGradients((z * z).Sum(), x));
        Assert.Contains("through Twice is not made", e.Message);
        Assert.Contains("AddRecordable", e.Message);
    }

    /// <summary>An operation of two outputs, x² and x³.</summary>
    [Fact]
    public void AnOperationOfSeveralOutputsTakesPartToo()
    {
        using var tape = new Tape();
        var x = tape.Watch(Tensor.Of([1], [3]));
        var plain = x.Detach();
        Tensor square = (plain * plain).Detach(), cube = (plain * plain * plain).Detach();
        tape.AddRecordable([square, cube], [x], (d, dx) => dx[0] = (d[0]! * x * 2) + (d[1]! * x * x * 3));
        var first = tape.RecordedGradients((square + cube).Sum(), x)[0];
        Assert.Equal([33], first.ToArray());
        Assert.Equal([20], tape.Gradients(first.Sum())[x].ToArray());
        Assert.Throws<ArgumentNullException>(() => tape.AddRecordable([square], [x], null!));
    }

    /// <summary>Two inner steps of learning to learn: the gradient of what is reached, by where it began, against finite differences.</summary>
    /// <summary>Sums are rounded otherwise by the formulas that are recorded than by the kernels: 1e-5.</summary>
    [Theory]
    [InlineData("attention")]
    [InlineData("lstm")]
    [InlineData("checkpoint")]
    [InlineData("checkpoint of a parameter")]
    public void ATensorTakenTwiceGetsItsGradientOnce(string what)
    {
        using var tape = new Tape();
        var rng = new Rng(3);
        Tensor x = tape.Watch(Tensor.Normal([2, 3, 4], rng)), state = tape.Watch(Tensor.Normal([2, 4], rng));
        Parameter w = new([2, 3, 4], Tensor.Normal([2, 3, 4], rng).ToArray());
        var (y, of) = what switch
        {
            "attention" => (x.Attention(x, x, 2), x),
            "lstm" => (x.Lstm(Tensor.Normal([16, 4], rng), Tensor.Normal([16, 4], rng), h0: state, c0: state).Output, state),
            "checkpoint" => (Checkpoint.Run(p => p[0].Tanh() * p[1], [x, x]), x),
            _ => (Checkpoint.Run(p => p[0].Tanh() * w, [w]), w),
        };
        var loss = (y * y).Sum();
        float[] recorded = tape.RecordedGradients(loss, of)[0].ToArray(), once = tape.Gradients(loss)[of].ToArray();
        for (int i = 0; i < once.Length; i++) { Assert.Equal(once[i], recorded[i], 1e-5f * (1 + MathF.Abs(once[i]))); }
    }

    [Fact]
    public void LearningCanBeLearned()
    {
        var rng = new Rng(3);
        Tensor x = Tensor.Normal([6, 3], rng), y = Tensor.Normal([6, 1], rng), start = Tensor.Normal([3, 1], rng), rate = Tensor.Of([], [0.1f]);
        GradCheck.Check(at =>
        {
            var (tape, w) = (Tape.Recording!, at[0]);
            tape.Watch(w);
            for (int step = 0; step < 2; step++)
            {
                var loss = (x.MatMul(w).Tanh() - y).Square().Mean();
                w -= at[1] * tape.RecordedGradients(loss, w)[0];
            }
            return (x.MatMul(w).Tanh() - y).Square().Mean();
        }, [start, rate]);
    }

    /// <summary>Gulrajani et al. 2017, arXiv:1704.00028, eq. 3: a critic whose slope by its input is kept at 1.</summary>
    [Fact]
    public void APenaltyOnTheSlopeKeepsItAtOne()
    {
        var rng = new Rng(5);
        var critic = new Sequential(new Dense(2, 32, rng), new Tanh(), new Dense(32, 1, rng));
        var adam = new Adam(critic.Parameters(), new() { LearningRate = 1e-2f });
        float first = 0, last = 0;
        for (int step = 0; step < 150; step++)
        {
            using var tape = new Tape();
            var x = tape.Watch(Tensor.Normal([64, 2], rng));
            var slope = tape.RecordedGradients(critic.Forward(x).Sum(), x)[0];
            var penalty = (slope.Norm(2, 1) - 1).Square().Mean();
            adam.Step(tape.Gradients(penalty));
            last = penalty.Item();
            if (step == 0) { first = last; }
        }
        Assert.True(last < 0.05f * first, $"{first} became {last}");
    }

    [Fact]
    public void SameBitsForAnyNumberOfThreads()
    {
        int before = DeepEduOptions.MaxThreads;
        try
        {
            float[][] runs = Array.ConvertAll((int[])[1, 2, 8], threads =>
            {
                DeepEduOptions.MaxThreads = threads;
                var rng = new Rng(7);
                var model = new Sequential(new Conv2d(3, 16, 3, rng, padding: 1), new Relu(), new MaxPool2d(2), new Flatten(), new Dense(16 * 12 * 12, 64, rng), new Gelu(), new LayerNorm(64), new Dense(64, 1, rng));
                using var tape = new Tape();
                var x = tape.Watch(Tensor.Normal([16, 3, 24, 24], rng));
                var slope = tape.RecordedGradients(model.Forward(x).Sum(), x)[0];
                var g = tape.Gradients(slope.Square().Sum());
                return model.Parameters().SelectMany(p => g.Find(p.Value)?.ToArray() ?? []).ToArray();
            });
            Assert.NotEmpty(runs[0]);
            Assert.Equal(runs[0], runs[1]);
            Assert.Equal(runs[0], runs[2]);
        }
        finally { DeepEduOptions.MaxThreads = before; }
    }

    [Fact]
    public void TheHessianOfAQuadraticIsItsMatrix()
    {
        Tensor a = Tensor.Normal([4, 4], new Rng(1)), x = Tensor.Normal([4], new Rng(2));
        float[] h = Hessian.Of(v => v.Dot(a.MatMul(v)), x).ToArray(), want = (a + a.Transpose(0, 1)).ToArray();
        Assert.Equal(16, h.Length);
        for (int i = 0; i < 16; i++) { Assert.Equal(want[i], h[i], 1e-5f); }
        Assert.False(x.IsLeaf);
        Assert.Equal(new float[16], Hessian.Of(v => v.Sum() * 3, x).ToArray());
        Assert.Equal(new float[16], Hessian.Of(_ => Tensor.Ones([]), x).ToArray());
        Assert.Throws<ShapeException>(() => Hessian.Of(v => v * 2, x));
    }

    /// <summary>Of Rosenbrock's function: [[1200x² − 400y + 2, −400x], [−400x, 200]].</summary>
    [Fact]
    public void TheHessianOfRosenbrocksFunction()
    {
        var x = Tensor.Of([2], [-1.2f, 1]);
        var h = Hessian.Of(v => (1 - v[0]).Square() + (100 * (v[1] - v[0].Square()).Square()), x);
        Assert.Equal([1330, 480, 480, 200], h.ToArray().Select(v => MathF.Round(v, 2)));
    }

    [Fact]
    public void TheHessianTimesADirectionNeedsNoHessian()
    {
        var rng = new Rng(9);
        var model = new Sequential(new Dense(3, 5, rng), new Tanh(), new Dropout(0.5f, rng), new Dense(5, 1, rng));
        var data = Tensor.Normal([7, 3], rng);
        Tensor[] inputs = [.. model.Parameters().Select(p => p.Value), Tensor.Ones([2])];
        Tensor[] v = Array.ConvertAll(inputs, t => Tensor.Normal(t.Shape, rng));
        var product = Hessian.Times(_ => model.Forward(data).Square().Mean(), inputs, v);
        Assert.Equal([0, 0], product[^1].ToArray());
        const float H = 1e-2f;
        float[][] up = Slopes(H), down = Slopes(-H);
        for (int i = 0; i < up.Length; i++)
        {
            float scale = product[i].ToArray().Max(MathF.Abs);
            for (int j = 0; j < up[i].Length; j++) { Assert.Equal((up[i][j] - down[i][j]) / (2 * H), product[i].ToArray()[j], 2e-3f * scale); } // central differences in float32
        }
        Assert.Throws<ArgumentException>(() => Hessian.Times(_ => model.Forward(data).Mean(), inputs, v[..1]));
        Assert.Throws<ShapeException>(() => Hessian.Times(_ => model.Forward(data).Mean(), inputs, [.. v[..^1], Tensor.Ones([3])]));

        float[][] Slopes(float h)
        {
            for (int i = 0; i < inputs.Length; i++) { inputs[i].CopyFrom((inputs[i].Detach() + (v[i] * h)).ToArray()); }
            using var tape = new Tape(training: false);
            var g = tape.Gradients(model.Forward(data).Square().Mean());
            float[][] slopes = [.. inputs[..^1].Select(t => g[t].ToArray())];
            for (int i = 0; i < inputs.Length; i++) { inputs[i].CopyFrom((inputs[i].Detach() - (v[i] * h)).ToArray()); }
            return slopes;
        }
    }
}
