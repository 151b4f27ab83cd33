using DeepEdu.Nn;
using DeepEdu.Numerics;
using DeepEdu.Ops;
using DeepEdu.Tensors;

namespace DeepEdu.Tests.Nn;

public class KeyValueCacheTests
{
    /// <summary>What fails behind the attention, or in a later layer, takes the step back: whoever mends it goes on as if nothing had been.</summary>
    [Fact]
    public void AStepThatFailsLeavesTheCacheAsItWas()
    {
        var rng = new Rng(5);
        Tensor x = Tensor.Normal([2, 4, 8], rng), memory = Tensor.Normal([2, 5, 8], rng);
        AttentionMask wrong = new() { Keys = Tensor.Ones([7, 9]) };
        bool fails = false;
        Layer Last() => new Lambda(y => fails ? throw new IOException("on purpose") : y);
        TransformerEncoder encoder = new(() => new(8, 2, rng, 16, 0), 2, Last()), inside = new(() => new(8, 2, rng, 16, 0, Last()), 2);
        var decoder = new TransformerDecoder(() => new(8, 2, rng, 16, 0), 2, Last());
        var attention = new MultiHeadAttention(8, 2, rng);
        var one = attention.NewCache(2, 4);
        TransformerCache ofEncoder = encoder.NewCache(2, 4), ofInside = inside.NewCache(2, 4), ofDecoder = decoder.NewCache(2, 4);
        for (int t = 0; t < 4; t++)
        {
            var row = x.Narrow(1, t, 1);
            fails = true;
            Assert.Throws<ShapeException>(() => attention.Forward(row, one, wrong));
            Assert.Throws<IOException>(() => encoder.Forward(row, ofEncoder));
            Assert.Throws<IOException>(() => inside.Forward(row, ofInside));
            Assert.Throws<IOException>(() => inside.Layers[0].Forward(row, ofInside.Layers[0]));
            Assert.Throws<IOException>(() => decoder.Forward(row, t == 0 ? memory * 2 : memory, ofDecoder)); // nor is that memory kept
            Assert.Throws<ShapeException>(() => decoder.Layers[0].Forward(row, memory, ofDecoder.Layers[0], memoryMask: wrong));
            fails = false;
            foreach (var cache in (KeyValueCache[])[one, .. ofEncoder.Layers, .. ofInside.Layers, .. ofDecoder.Layers]) { Assert.Equal(t, cache.Length); }
            Near(attention.Forward(x, AttentionMask.Past), t, attention.Forward(row, one));
            Near(encoder.Forward(x, AttentionMask.Past), t, encoder.Forward(row, ofEncoder));
            Near(inside.Forward(x, AttentionMask.Past), t, inside.Forward(row, ofInside));
            Near(decoder.Forward(x, memory), t, decoder.Forward(row, memory, ofDecoder));
        }
    }

    // sums of eight to sixteen products of values near 1, in another order
    private static void Near(Tensor whole, int step, Tensor row)
    {
        float[] expected = whole.Narrow(1, step, 1).ToArray(), actual = row.ToArray();
        for (int i = 0; i < expected.Length; i++) { Assert.Equal(expected[i], actual[i], 1e-4f); }
    }
}
