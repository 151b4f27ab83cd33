using DeepEdu.Nn;
using DeepEdu.Numerics;
using DeepEdu.Ops;
using DeepEdu.Tensors;

namespace DeepEdu.Tests.Nn;

/// <summary>Sessions of embedding bags that lie one behind the other.</summary>
public class InferenceBagTests
{
    // where each begins is another in each call, and what cannot be is refused by name
    [Theory]
    [InlineData(BagMode.Sum, false)]
    [InlineData(BagMode.Mean, false)]
    [InlineData(BagMode.Max, false)]
    [InlineData(BagMode.Sum, true)]
    public void OffsetsOfBagsAreAnInput(BagMode mode, bool weighted)
    {
        var rng = new Rng(3);
        var bag = new EmbeddingBag(10, 4, rng, mode, padding: 0);
        var session = new InferenceSession(i => weighted ? bag.Forward(i.Indices([6]), i.Indices([3]), i.Tensor([6])) : bag.Forward(i.Indices([6]), i.Indices([3])));
        int[] tokens = [1, 2, 3, 0, 4, 9];
        float[] weights = [1, 2, 0.5f, 4, -1, 3];
        foreach (int[] offsets in (int[][])[[0, 2, 5], [0, 0, 6], [0, 3, 3], [0, 6, 6]])
        {
            using var call = session.Begin();
            call.Set(0, tokens);
            call.Set(1, offsets);
            if (weighted) { call.Set(2, weights); }
            call.Run();
            var expected = weighted ? bag.Forward(tokens, offsets, Tensor.Of(weights)) : bag.Forward(tokens, (Indices)offsets);
            Assert.Equal(expected.ToArray(), call.Output().ToArray());
        }
        foreach (int[] offsets in (int[][])[[1, 2, 5], [0, 4, 2], [0, 2, 7], [0, -1, 2]])
        {
            using var call = session.Begin();
            call.Set(0, tokens);
            call.Set(1, offsets);
            if (weighted) { call.Set(2, weights); }
            string message = "";
            try { call.Run(); }
            catch (ArgumentOutOfRangeException e) { message = e.Message; }
            Assert.Contains("embedding-bag: offset", message, StringComparison.Ordinal);
        }
    }
}
