using DeepEdu.Autograd;
using DeepEdu.Devices;
using DeepEdu.Memory;
using DeepEdu.Ops;
using DeepEdu.Optim;
using DeepEdu.Tensors;

namespace DeepEdu.Tests.Autograd;

[Collection("alone")]
public class TapeTests
{
    [Fact]
    public void BroadcastGradientsAddUpTheRepeats()
    {
        var a = new Parameter([2, 3], [1, 2, 3, 4, 5, 6]);
        var b = new Parameter([3], [10, 20, 30]);
        var c = new Parameter([2, 1], [2, 3]);
        int live = CpuDevice.Instance.Pool.LiveBlocks;
        using (var tape = new Tape())
        {
            var y = ((a + b) * c).Sum();
            Assert.Equal((66 * 2) + (75 * 3), y.Item());
            var g = tape.Gradients(y);
            Assert.Equal(3, g.Count);
            Assert.Equal([2, 2, 2, 3, 3, 3], g[a].ToArray());
            Assert.Equal([5, 5, 5], g[b].ToArray());
            Assert.Equal([66, 75], g[c].ToArray());
        }
        Assert.Equal(live, CpuDevice.Instance.Pool.LiveBlocks);
    }

    [Fact]
    public void AValueUsedTwiceGathersBothGradients()
    {
        var x = new Parameter([2], [3, 4]);
        using var tape = new Tape();
        var y = x * x;
        Assert.Equal([13, 17], tape.Gradients((y + y + x).Sum())[x].ToArray());
    }

    [Fact]
    public void ALossCanBeRewoundTwice()
    {
        var x = new Parameter([2], [3, 4]);
        using var tape = new Tape();
        var loss = (x * x).Sum();
        Assert.Equal(tape.Gradients(loss)[x].ToArray(), tape.Gradients(loss)[x].ToArray());
    }

    /// <summary>Products go back through the parameters' values: after a step they are others.</summary>
    [Fact]
    public void GradientsAfterAStepAreRefused()
    {
        var (generator, critic) = (new Parameter([2], [3, 4]), new Parameter([2], [1, 2]));
        var sgd = new Sgd([("critic", critic)], new() { LearningRate = 0.5 });
        using var tape = new Tape();
        var fake = generator * generator;
        var first = (fake * critic).Sum();
        sgd.Step(tape.Gradients((fake.Detach() * critic).Sum()));
        var e = Assert.Throws<InvalidOperationException>(() => tape.Gradients(first));
        Assert.Contains("stepped the parameter [2]", e.Message, StringComparison.Ordinal);

        // what does not pass through the stepped parameter, or used it afterwards, is sound: the second half of a GAN's step
        Assert.Equal([6, 8], tape.Gradients(fake.Sum())[generator].ToArray());
        Assert.Equal([6 * -3.5f, 8 * -6f], tape.Gradients((fake * critic).Sum())[generator].ToArray());
    }

    [Fact]
    public void NothingIsRecordedOutsideATapeOrInAnInnerArena()
    {
        var x = new Parameter([2], [3, 4]);
        _ = x * x;
        using var tape = new Tape();
        using (new Arena()) { _ = x * x; }
        _ = Tensor.Ones([2]) * Tensor.Ones([2]);
        Assert.Equal(0, tape.Count);
        _ = x * x;
        Assert.Equal(1, tape.Count);
    }

    [Fact]
    public void DetachStopsTheGradient()
    {
        var x = new Parameter([2], [3, 4]);
        using var tape = new Tape();
        Assert.Equal([3, 4], tape.Gradients((x * x.Detach()).Sum())[x].ToArray());
    }

    [Fact]
    public void AFrozenParameterHasNoGradient()
    {
        Parameter x = new([1], [3]), y = new([1], [4]) { Trainable = false };
        using var tape = new Tape();
        var g = tape.Gradients((x * y).Sum());
        Assert.Null(g.Find(y));
        Assert.Equal([4], g[x].ToArray());
        Assert.Contains("none for the tensor [1]", Assert.Throws<KeyNotFoundException>(() => g[y]).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void AWatchedInputAndAWatchedIntermediateHaveGradients()
    {
        using var tape = new Tape();
        var x = tape.Watch(Tensor.Of(2f, 3f));
        var y = tape.Watch(x * x);
        var g = tape.Gradients((y * y).Sum());
        Assert.Equal([32, 108], g[x].ToArray());   // d x⁴ = 4x³
        Assert.Equal([8, 18], g[y].ToArray());
    }

    [Fact]
    public void WatchingEndsWithTheTape()
    {
        var x = Tensor.Of(2f, 3f);
        Parameter frozen = new([2], [4, 5]) { Trainable = false }, learned = new([2], [6, 7]);
        using (var tape = new Tape())
        {
            var g = tape.Gradients((tape.Watch(x) * tape.Watch(frozen) * tape.Watch(learned)).Sum());
            Assert.Equal([12, 21], g[frozen].ToArray());
        }
        Assert.Equal((false, false, true), (x.IsLeaf, frozen.Trainable, learned.Trainable));
    }

    /// <summary>Each tape watches for itself: one that closes, on this thread or another, takes no gradient from the others.</summary>
    [Fact]
    public void TwoThreadsMayWatchOneTensor()
    {
        var x = Tensor.Of(2f, 3f);
        var frozen = new Parameter([2], [4, 5]) { Trainable = false };
        float[]? dx = null, dw = null;
        using ManualResetEventSlim computed = new(), closed = new();
        var first = new Tape();
        first.Watch(x);
        first.Watch(frozen);
        var thread = new Thread(() =>
        {
            using var tape = new Tape();
            var y = (tape.Watch(x) * tape.Watch(frozen)).Sum();
            computed.Set();
            closed.Wait();
            var g = tape.Gradients(y);
            (dx, dw) = (g.Find(x)?.ToArray(), g.Find(frozen)?.ToArray());
        });
        thread.Start();
        computed.Wait();
        first.Dispose();
        closed.Set();
        thread.Join();
        Assert.Equal([4, 5], dx!);
        Assert.Equal([2, 3], dw!);
        Assert.False(x.IsLeaf || frozen.IsLeaf || frozen.Trainable);
        Assert.Contains("it has closed", Assert.Throws<InvalidOperationException>(() => first.Watch(x)).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void EachGradientHasMemoryOfItsOwn()
    {
        Parameter a = new([3], [1, 2, 3]), b = new([3], [4, 5, 6]), c = new([1, 3], [7, 8, 9]);
        using var tape = new Tape();
        var seed = Tensor.Of(1f, 2, 3);
        var g = tape.Gradients(a + b + c.Reshape(3), seed);
        float[][] before = [g[a].ToArray(), g[b].ToArray(), g[c].ToArray(), seed.ToArray()];
        Assert.Equal([[1, 2, 3], [1, 2, 3], [1, 2, 3], [1, 2, 3]], before);
        foreach (var leaf in g.Leaves) { foreach (ref float d in g[leaf].AsSpan()) { d *= 2; } }
        Assert.Equal([[2, 4, 6], [2, 4, 6], [2, 4, 6], [1, 2, 3]], (float[][])[g[a].ToArray(), g[b].ToArray(), g[c].ToArray(), seed.ToArray()]);
        Assert.Equal([5, 5, 5], tape.Gradients(a, Tensor.Full([3], 5))[a].ToArray());
    }

    [Fact]
    public void APullbackThatThrowsLeavesTheTapeWhole()
    {
        var x = new Parameter([2], [2, 3]);
        using var tape = new Tape();
        Tensor bad = Tensor.Ones([1]), good = (x * x).Sum();
        tape.Add(bad, (x, dy =>
        {
            using var inner = new Arena();
            throw new InvalidOperationException("no way back");
        }
        ));
        Assert.Contains("no way", Assert.Throws<InvalidOperationException>(() => tape.Gradients(bad)).Message, StringComparison.Ordinal);
        Assert.Same(tape, Arena.Current);
        Assert.Same(tape, Tape.For(x));
        Assert.Equal([4, 6], tape.Gradients(good)[x].ToArray());
    }

    [Fact]
    public void AClosedTapeRemembersNothingMore()
    {
        var x = new Parameter([2], [2, 3]);
        var tape = new Tape();
        _ = x * x;
        Assert.Equal(1, tape.Count);
        tape.Dispose();
        using var next = new Tape();
        _ = x + x;
        Assert.Equal((0, 0, 1), (tape.Count, tape.BlockCount, next.Count));
        Assert.Contains("closed", Assert.Throws<InvalidOperationException>(() => tape.Add(Tensor.Ones([2]), (x, dy => dy))).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void AGradientCanStartAnywhere()
    {
        var x = new Parameter([3], [1, 2, 3]);
        using var tape = new Tape();
        Assert.Equal([2, 0, -6], tape.Gradients(x * x, Tensor.Of(1f, 0f, -1f))[x].ToArray());
    }

    [Fact]
    public void AJointPullbackServesSeveralOutputsAndInputs()
    {
        Parameter a = new([2], [1, 2]), b = new([2], [3, 4]);
        using var tape = new Tape();
        Tensor sum = Tensor.Of(4f, 6f), difference = Tensor.Of(-2f, -2f);
        tape.Add([sum, difference], [a, b], (d, into) =>
        {
            into[0] = d[0] is null ? d[1] : d[1] is null ? d[0] : d[0]! + d[1]!;
            var minus = d[1] is null ? null : d[1]! * Tensor.Scalar(-1);
            into[1] = d[0] is null ? minus : minus is null ? d[0] : d[0]! + minus;
        });
        var both = tape.Gradients((sum * Tensor.Scalar(5) + difference).Sum());
        Assert.Equal([6, 6], both[a].ToArray());
        Assert.Equal([4, 4], both[b].ToArray());
        Assert.Equal([1, 1], tape.Gradients(sum.Sum())[b].ToArray());
        Assert.Equal([-1, -1], tape.Gradients(difference.Sum())[b].ToArray());
    }

    [Fact]
    public void TrainingIsWhatTheTapeSays()
    {
        Assert.False(Tape.IsTraining);
        using (new Tape())
        {
            Assert.True(Tape.IsTraining);
            using (new Arena()) { Assert.True(Tape.IsTraining); }
            using (new Tape(training: false)) { Assert.False(Tape.IsTraining); }
            Assert.True(Tape.IsTraining);
        }
        Assert.False(Tape.IsTraining);
    }

    [Fact]
    public void ATensorOfAClosedTapeSaysSo()
    {
        Tensor y;
        using (new Tape()) { y = Tensor.Ones([2]) + Tensor.Ones([2]); }
        var e = Assert.Throws<ObjectDisposedException>(() => y.ToArray());
        Assert.Contains("[2]", e.Message, StringComparison.Ordinal);
        Assert.Contains("Keep()", e.Message, StringComparison.Ordinal);
        Assert.Throws<ObjectDisposedException>(() => y + y);
    }

    [Fact]
    public void MistakesWithTapesAreNamed()
    {
        var x = new Parameter([2], [3, 4]);
        Tensor outside = x * x;
        using var tape = new Tape();
        Assert.Contains("not [2]", Assert.Throws<ShapeException>(() => tape.Gradients(x * x)).Message, StringComparison.Ordinal);
        Assert.Contains("before the tape opened", Assert.Throws<InvalidOperationException>(() => tape.Gradients(outside.Sum())).Message, StringComparison.Ordinal);
        Assert.Contains("one shape", Assert.Throws<ShapeException>(() => tape.Gradients(x * x, Tensor.Ones([3]))).Message, StringComparison.Ordinal);
        var loss = (x * x).Sum();
        using (new Arena()) { Assert.Contains("innermost", Assert.Throws<InvalidOperationException>(() => tape.Gradients(loss)).Message, StringComparison.Ordinal); }
        tape.Add(loss, (x, _ => Tensor.Ones([5])));
        Assert.Contains("a pullback gave [5] for an input [2]", Assert.Throws<ShapeException>(() => tape.Gradients(loss)).Message, StringComparison.Ordinal);
        var other = (x * x).Sum();
        tape.Add(other, (x, _ => null!));
        Assert.Contains("a pullback gave null for an input [2]", Assert.Throws<ShapeException>(() => tape.Gradients(other)).Message, StringComparison.Ordinal);
        var g = tape.Gradients((x * x).Sum());
        Assert.Throws<ShapeException>(() => g.Replace(x, Tensor.Ones([3])));
    }

    [Fact]
    public void AGradientGoesBackToThePoolWhenItHasBeenPassedOn()
    {
        const int Steps = 40, Size = 4096, Bytes = Size * sizeof(float);
        var x = new Parameter([Size], new float[Size]);
        var pool = CpuDevice.Instance.Pool;
        using var tape = new Tape();
        long most = 0;
        Tensor Probe(Tensor y)
        {
            var same = y.Detach();
            tape.Add(same, (y, dy =>
            {
                most = Math.Max(most, pool.LiveBytes);
                return dy;
            }
            ));
            return same;
        }
        Tensor y = x, middle = x;
        for (int i = 0; i < Steps; i++)
        {
            y = Probe((y + x) * 0.5f);
            if (i == Steps / 2) { middle = tape.Watch(y); }
        }
        var loss = y.Sum();
        long forward = pool.LiveBytes;
        var g = tape.Gradients(loss);
        // the parameter's and the watched tensor's stay; one or two are on their way
        Assert.InRange(most - forward, 1, 5 * Bytes);
        Assert.InRange(pool.LiveBytes - forward, 1, 3 * Bytes);
        Assert.Equal(MathF.Pow(0.5f, Steps - 1 - (Steps / 2)), g[middle].ToArray()[7]);
        Assert.Equal(1, g[x].ToArray()[7], 1e-6f);
        Assert.Equal(0, loss.Item());
        Assert.Equal(g[x].ToArray(), tape.Gradients(loss)[x].ToArray());
    }

    [Fact]
    public void AGradientThatIsHeldBeyondItsStepSaysSoUnlessItIsKept()
    {
        var x = new Parameter([2], [2, 3]);
        Tensor? passed = null, kept = null;
        using (var tape = new Tape())
        {
            Tensor square = x * x, y = Tensor.Of(4f, 9f), z = Tensor.Of(4f, 9f);
            tape.Add(y, (square, dy =>
            {
                passed = dy;
                return dy + dy;
            }
            ));
            tape.Add(z, (y, dy =>
            {
                kept = (dy * 3f).Keep();
                return dy * 2f;
            }
            ));
            Assert.Equal([16, 24], tape.Gradients((z * 1f).Sum())[x].ToArray());
            var e = Assert.Throws<ObjectDisposedException>(passed!.ToArray);
            Assert.Contains("gradient that the tape has passed on. Call Keep()", e.Message, StringComparison.Ordinal);
        }
        Assert.Equal([3, 3], kept!.ToArray());
    }

    [Fact]
    public void AGradientOfATapeInsideAPullbackArrives()
    {
        var x = new Parameter([2], [2, 3]);
        using var tape = new Tape();
        Tensor y;
        using (new Arena()) { y = (x * x).Keep(); }
        tape.Add(y, (x, dy =>
        {
            // recomputed on the way back: a checkpoint
            using var inner = new Tape();
            return inner.Gradients(x * x, dy)[x].Keep();
        }
        ));
        Assert.Equal([4 + 16, 6 + 54], tape.Gradients((y + (y * y * 0.5f)).Sum() * 1f)[x].ToArray());
    }

    [Fact]
    public void ASteadyStepAllocatesLittle()
    {
        Parameter a = new([64, 64], new float[4096]), b = new([64], new float[64]);
        void Step()
        {
            using var tape = new Tape();
            tape.Gradients(((a + b) * a).Sum());
        }
        for (int i = 0; i < 3; i++) { Step(); }
        long before = GC.GetAllocatedBytesForCurrentThread();
        Step();
        // tensors, shapes and closures of three operations and their gradients; the 16 KiB of values each come from the pool
        Assert.InRange(GC.GetAllocatedBytesForCurrentThread() - before, 1, 4096);
    }
}
