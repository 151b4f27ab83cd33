using DeepEdu.Memory;
using DeepEdu.Nn;
using DeepEdu.Ops;
using DeepEdu.Tensors;

namespace DeepEdu.Tests.Nn;

/// <summary>What a session cannot be made of, and calls it does not answer.</summary>
[Collection("alone")]
public class InferenceRefusalTests
{
    /// <summary>What the last call was given must not serve the next one.</summary>
    [Fact]
    public void AnInputThatIsNotGivenIsNamed()
    {
        var session = new InferenceSession(i => i.Tensor([2]) + i.Indices([2]).ToTensor());
        using (var call = session.Begin())
        {
            call.Set(0, [1f, 2]);
            call.Set(1, [10, 20]);
            call.Run();
            call.Set(0, [3f, 4]);
            call.Run();
            Assert.Equal([13, 24], call.Output().ToArray());
        }
        var e = Assert.Throws<InvalidOperationException>(() =>
        {
            using var call = session.Begin();
            call.Set(0, [1f, 2]);
            call.Run();
        });
        Assert.Contains("input 1, [2], was not given in this call", e.Message, StringComparison.Ordinal);
        Assert.Contains("there is no input 2", Assert.Throws<ArgumentOutOfRangeException>(() => { using var call = session.Begin(); call.Set(2, [1f, 2]); }).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void AModelThatLooksAtValuesIsRefused()
    {
        InferenceSession Of(Func<Tensor, Tensor> f) => new(i => f(i.Tensor([4])));
        Assert.Contains("to the host", Assert.Throws<InvalidOperationException>(() => Of(x => x.Sum().Item() > 2 ? x : -x)).Message, StringComparison.Ordinal);
        Assert.Contains("to the host", Assert.Throws<InvalidOperationException>(() => Of(x => Tensor.Of((x * 2f).ToArray()))).Message, StringComparison.Ordinal);
        Assert.Contains("to the host", Assert.Throws<InvalidOperationException>(() => Of(x => { x.Exp().AsSpan()[0] = 1; return x; })).Message, StringComparison.Ordinal);
        Assert.Contains("to the host", Assert.Throws<InvalidOperationException>(() => new InferenceSession(i => Tensor.Of(Array.ConvertAll(i.Indices([3]).ToArray(), v => 2f * v)))).Message, StringComparison.Ordinal);
        // numbers that one trial would not tell from a constant
        Assert.Contains("to the host", Assert.Throws<InvalidOperationException>(() => Of(x => x * x.ArgMax(0).Span[0])).Message, StringComparison.Ordinal);
        Assert.Contains("to the host", Assert.Throws<InvalidOperationException>(() => Of(x => x * x.TopK(1).Indices[0])).Message, StringComparison.Ordinal);
        Assert.Contains("to the host", Assert.Throws<InvalidOperationException>(() => new InferenceSession(i => Tensor.Full([2], i.Indices([3])[1..][0]))).Message, StringComparison.Ordinal);
        // a count of calls shows in the second computation
        int calls = 0;
        Assert.Contains("differs", Assert.Throws<InvalidOperationException>(() => Of(x => x * ++calls)).Message, StringComparison.Ordinal);
        // what the host writes before it is computed with is a constant
        var session = Of(x =>
        {
            var c = Tensor.Empty([4]);
            c.AsSpan().Fill(3);
            return x * c;
        });
        float[] y = new float[4];
        session.Run([1f, 2, 3, 4], y);
        Assert.Equal([3, 6, 9, 12], y);
        // the refusal leaves nothing open
        Assert.Null(Arena.Current);
        Assert.Equal(2, Tensor.Of(1f, 1f).Sum().Item());
    }
}
