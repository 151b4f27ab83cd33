using DeepEdu.Collectives;
using DeepEdu.Metrics;
using DeepEdu.Numerics;
using DeepEdu.Tensors;
using DeepEdu.Training;

namespace DeepEdu.Tests.Training;

/// <summary>What the parts of a batch leave behind, added up by hand.</summary>
public class PartStateTests
{
    /// <summary>Of three parts the streams go on behind the one that drew most, and a buffer is the mean over the rows; a part that left it as it was has the old value.</summary>
    [Fact]
    public void StreamsGoOnBehindThePartThatDrewMostAndBuffersAreMeans()
    {
        Rng rng = new(5), other = new(6);
        rng.FillUniform(new float[7]);
        rng.Fork();
        Tensor buffer = Tensor.Of(1f, 2), untouched = Tensor.Of(4f);
        var state = new PartState([("a", rng), ("b", other)], [("mean", buffer), ("still", untouched)]);
        for (int step = 0; step < 2; step++)
        {
            var (position, forks, at) = (rng.Position, rng.Forks, other.Position);
            float[] before = buffer.ToArray();
            state.Begin();
            List<byte[]> messages = [];
            List<float> drawn = [];
            foreach (var (part, count, to) in new[] { (0, 2, 10f), (1, 5, float.NaN), (2, 3, 40f) })
            {
                state.Enter(part);
                for (int i = 0; i < count; i++) { drawn.Add(rng.NextSingle()); }
                for (int i = 0; i < part; i++) { rng.Fork(); }
                if (part == 0) { other.NextSingle(); }
                if (float.IsFinite(to)) { buffer.CopyFrom([to, to + 1]); }
                var message = new MessageWriter();
                state.Leave(part, message);
                Assert.Equal(before, buffer.ToArray()); // the next part begins where this one began
                messages.Add(message.Written.ToArray());
            }
            Assert.Equal(10, drawn.Distinct().Count());
            foreach (var (message, rows) in messages.Zip([3, 1, 2]))
            {
                var reader = new MessageReader(message);
                state.Read(ref reader, rows);
                Assert.True(reader.IsAtEnd);
            }
            state.End();
            Assert.Equal((position + 5, forks + 2, at + 1), (rng.Position, rng.Forks, other.Position));
            Assert.Equal([((3 * 10f) + before[0] + (2 * 40)) / 6, ((3 * 11f) + before[1] + (2 * 41)) / 6], buffer.ToArray(), (a, b) => Math.Abs(a - b) < 1e-5);
            Assert.Equal([4], untouched.ToArray());
        }
    }

    [Fact]
    public void WhatIsTakenBackWasNever()
    {
        Rng rng = new(5);
        rng.NextSingle();
        var buffer = Tensor.Of(1f, 2);
        var state = new PartState([("a", rng)], [("mean", buffer)]);
        state.Begin();
        state.Enter(3);
        rng.NextSingle();
        rng.Fork();
        buffer.CopyFrom([7, 7]);
        state.TakeBack();
        Assert.Equal((1UL, 0UL), (rng.Position, rng.Forks));
        Assert.Equal([1, 2], buffer.ToArray());
    }

    /// <summary>Two parts of one step, in the first of which nothing was right: the metric shows both, and what was there before; a metric that is tracked by two names counts once.</summary>
    [Fact]
    public void MetricsOfPartsAreAddedToWhatWasThere()
    {
        Accuracy accuracy = new();
        var parts = new PartMetrics([new("accuracy", accuracy), new("again", accuracy)]);
        for (int epoch = 0; epoch < 2; epoch++)
        {
            accuracy.Reset();
            accuracy.Add(1, 1);
            parts.Begin();
            parts.Show();
            Assert.Equal((1, 1), (accuracy.Value, accuracy.Count));
            for (int step = 1; step <= 2; step++)
            {
                List<byte[]> messages = [];
                foreach (int right in new[] { 0, 1 })
                {
                    parts.Enter();
                    accuracy.Add(right, 1);
                    accuracy.Add(right, 1);
                    var message = new MessageWriter();
                    parts.Leave(message);
                    messages.Add(message.Written.ToArray());
                }
                foreach (byte[] message in messages)
                {
                    var reader = new MessageReader(message);
                    parts.Read(ref reader);
                    Assert.True(reader.IsAtEnd);
                }
                parts.Show();
                parts.Show();
                Assert.Equal((1 + (2 * step), 1 + (4 * step)), (accuracy.Value * accuracy.Count, accuracy.Count));
            }
        }
    }
}
