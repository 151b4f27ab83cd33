using DeepEdu.Autograd;
using DeepEdu.Devices;
using DeepEdu.Nn;
using DeepEdu.Numerics;
using DeepEdu.Ops;
using DeepEdu.Optim;
using DeepEdu.Tensors;

namespace DeepEdu.Tests.Autograd;

[Collection("alone")]
public class CheckpointTests
{
    /// <summary>Dropout, batch norm, an LSTM: losses, gradients, running statistics and where random streams stand are the same bits over three steps.</summary>
    [Fact]
    public void GradientsAreTheSameBits()
    {
        Net plain = new(false), saving = new(true);
        Sgd one = new(plain.Parameters(), new() { LearningRate = 0.1 }), two = new(saving.Parameters(), new() { LearningRate = 0.1 });
        var x = Tensor.Normal([6, 5, 8], new Rng(2));
        for (int step = 0; step < 3; step++)
        {
            using (var a = new Tape())
            {
                using var b = new Tape();
                a.Watch(x);
                b.Watch(x);
                float[] dx = Step(plain, one, a, x), again = Step(saving, two, b, x);
                Assert.Equal(dx, again);
            }
            Assert.Equal(plain.Parameters().SelectMany(p => p.Value.ToArray()), saving.Parameters().SelectMany(p => p.Value.ToArray()));
            Assert.Equal(plain.Buffers().SelectMany(p => p.Value.ToArray()), saving.Buffers().SelectMany(p => p.Value.ToArray()));
            Assert.Equal(plain.Rng.Position, saving.Rng.Position);
        }

        static float[] Step(Net net, Sgd sgd, Tape tape, Tensor x)
        {
            using var own = new Tape();
            own.Watch(x);
            var gradients = own.Gradients(net.Forward(x).Square().Mean());
            sgd.Step(gradients);
            return gradients[x].ToArray();
        }
    }

    [Fact]
    public void MemoryFalls()
    {
        var rng = new Rng(1);
        Layer[] blocks = [.. Enumerable.Range(0, 8).Select(_ => new Sequential(new Dense(64, 64, rng), new Tanh(), new Dense(64, 64, rng), new Tanh(), new Dense(64, 64, rng), new Tanh()))];
        var x = Tensor.Normal([256, 64], rng);
        long Peak(bool saving)
        {
            CpuDevice.Instance.Pool.ResetPeak();
            long before = CpuDevice.Instance.Pool.LiveBytes;
            using var tape = new Tape();
            var y = x;
            foreach (var block in blocks) { y = saving ? Checkpoint.Run(block.Forward, y) : block.Forward(y); }
            tape.Gradients(y.Square().Sum());
            return CpuDevice.Instance.Pool.PeakBytes - before;
        }
        // of 8 blocks with six activations each (or three, fused) one block's are there at a time, and 8 outputs
        Assert.InRange(Peak(true), 1, Peak(false) * 6 / 10);
    }

    [Fact]
    public void SeveralInputsNestAndConstantsPass()
    {
        Parameter w = new([3], [1, 2, 3]), v = new([3], [0.5f, -1, 2]);
        var c = Tensor.Of(2, 3, 4);
        Tensor Inner(Tensor[] t) => t[0] * w + t[1].Exp();
        Tensor Outer(Tensor[] t, bool saving) => (saving ? Checkpoint.Run(Inner, [t[0], t[1]]) : Inner(t)) * w * t[0];
        using var tape = new Tape();
        var expected = tape.Gradients(Outer([v, c], false).Sum());
        var actual = tape.Gradients(Checkpoint.Run(t => Outer(t, true), [v, c]).Sum());
        foreach (var leaf in new[] { w, v })
        {
            for (int i = 0; i < 3; i++) { Assert.Equal(expected[leaf].ToArray()[i], actual[leaf].ToArray()[i], 1e-4f); } // sums in another order
        }
        Assert.Equal(2, actual.Count);
    }

    [Fact]
    public void WithoutATapeOrAParameterNothingIsRemembered()
    {
        var x = Tensor.Of(1, 2);
        Assert.Equal([2, 4], Checkpoint.Run(t => t * 2, x).ToArray());
        using var tape = new Tape();
        var y = Checkpoint.Run(t => t * 2, x);
        Assert.Equal(0, tape.Count);
        Assert.Equal([2, 4], y.ToArray());
        Assert.Same(x.View.Block, Checkpoint.Run(t => t, x).View.Block);
    }

    [Fact]
    public void AParameterItselfMayComeOut()
    {
        var p = new Parameter([2], [3, 4]);
        using var tape = new Tape();
        Assert.Equal([6, 8], tape.Gradients(Checkpoint.Run(_ => p, Tensor.Of(1, 2)).Square().Sum())[p].ToArray());
    }

    [Fact]
    public void TheWayBackMovesNoStatisticsOfInstanceNorm()
    {
        var x = Tensor.Normal([2, 3, 5], new Rng(1));
        Tensor[] statistics = [Tensor.Zeros([3]), Tensor.Ones([3])], plain = [Tensor.Zeros([3]), Tensor.Ones([3])];
        using var tape = new Tape();
        tape.Watch(x);
        var g = tape.Gradients(Checkpoint.Run(t => t.InstanceNorm(statistics[0], statistics[1]), x).Exp().Sum())[x].ToArray();
        Assert.Equal(g, tape.Gradients(x.InstanceNorm(plain[0], plain[1]).Exp().Sum())[x].ToArray());
        for (int i = 0; i < 2; i++) { Assert.Equal(plain[i].ToArray(), statistics[i].ToArray()); }
    }

    private sealed class Net : Module
    {
        private readonly Dense _in, _out;
        private readonly BatchNorm _norm = new(8);
        private readonly Lstm _lstm;
        private readonly bool _saving;

        public Net(bool saving)
        {
            var rng = new Rng(7);
            (_saving, _in, _lstm, _out) = (saving, new(8, 8, rng), new(8, 8, rng), new(8, 2, rng));
        }

        public Rng Rng { get; } = new(11);

        public Tensor Forward(Tensor x) => _out.Forward(Through(t => _lstm.Forward(Through(s => _norm.Forward(_in.Forward(s).Reshape(30, 8)).Dropout(0.4f, Rng).Reshape(6, 5, 8), t)).Dropout(0.2f, Rng), x));

        protected internal override void Parts(Parts p) => p.Of(_in).Of(_norm).Of(_lstm).Of(_out);

        private Tensor Through(Func<Tensor, Tensor> f, Tensor x) => _saving ? Checkpoint.Run(f, x) : f(x);
    }
}
