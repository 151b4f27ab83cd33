using DeepEdu.Nn;
using DeepEdu.Numerics;
using DeepEdu.Ops;
using DeepEdu.Tensors;

namespace DeepEdu.Tests.Nn;

/// <summary>A shape error says in which layer it arose, under the name that its parameters have; its type, its operation and the place in the code where it was thrown are as without layers.</summary>
public class LayerPathTests
{
    private static readonly Rng s_rng = new(1);

    private static ShapeException Error(Action act) => Assert.Throws<ShapeException>(act);

    [Fact]
    public void NestedSequential()
    {
        var model = new Sequential(new Dense(4, 8, s_rng), new Relu(), new Sequential(new Dense(8, 8, s_rng), new Residual(new Sequential(new LayerNorm(8), new Dense(9, 8, s_rng)))));
        var e = Error(() => model.Forward(Tensor.Zeros([2, 4])));
        Assert.Equal("2.1." + model.Parameters().Single(p => p.Value.Shape == [8, 9]).Name["2.1.".Length..^".weight".Length], e.Layer);
        Assert.StartsWith($"{e.Layer}: linear: x [2,8]", e.Message, StringComparison.Ordinal);
        Assert.Equal("linear", e.Op);
        Assert.Contains("ThrowWeight", e.StackTrace, StringComparison.Ordinal);
    }

    [Fact]
    public void FusedLayersAreThoseThatWereGiven()
    {
        var model = new Sequential(new Conv2d(3, 4, 3, s_rng), new Relu(), new MaxPool2d(2), new Flatten(), new Dense(99, 5, s_rng), new Gelu());
        Assert.Equal("4", Error(() => model.Forward(Tensor.Zeros([2, 3, 8, 8]))).Layer);
        Assert.Equal("0", Error(() => model.Forward(Tensor.Zeros([2, 1, 8, 8]))).Layer);
    }

    [Fact]
    public void NamedFields()
    {
        var model = new Outer(s_rng);
        Assert.Null(Error(() => model.Forward(Tensor.Zeros([2, 3]))).Layer); // nobody has asked it for its names
        _ = model.Parameters();
        Assert.Equal("encoder.first", Error(() => model.Forward(Tensor.Zeros([2, 3]))).Layer);
        var e = Error(() => model.Forward(Tensor.Zeros([2, 4])));
        Assert.StartsWith("encoder.second: linear: ", e.Message, StringComparison.Ordinal);
        _ = model.Encoder.Parameters(); // the inner names are shorter, not others
        Assert.Equal("encoder.second", Error(() => model.Forward(Tensor.Zeros([2, 4]))).Layer);
    }

    [Fact]
    public void Recurrent()
    {
        var model = new Sequential(new Dense(4, 6, s_rng), new Lstm(5, 3, s_rng));
        var e = Error(() => model.Forward(Tensor.Zeros([2, 7, 4])));
        Assert.StartsWith("1: lstm: x is [2,7,6]", e.Message, StringComparison.Ordinal);
        var stacked = new Sequential(new Gru(4, 6, s_rng), new Stateful(new SimpleRnn(5, 3, s_rng)));
        Assert.Equal("1", Error(() => stacked.Forward(Tensor.Zeros([2, 7, 4]))).Layer);
    }

    [Fact]
    public void Attention()
    {
        var encoder = new TransformerEncoder(() => new TransformerEncoderLayer(8, 2, s_rng, 16, 0), 3);
        Assert.Equal("layers.0.self_attn", Error(() => encoder.Forward(Tensor.Zeros([2, 5, 7]))).Layer);
        var wrapped = new Sequential(new Dense(4, 7, s_rng), encoder);
        var e = Error(() => wrapped.Forward(Tensor.Zeros([2, 5, 4])));
        Assert.StartsWith("1.layers.0.self_attn: multi-head-attention: query [2,5,7]", e.Message, StringComparison.Ordinal);
        var attention = new MultiHeadAttention(8, 2, s_rng);
        Assert.Equal("multi-head-attention: query [2,5,7] needs a last axis of 8, the width that the layer was made with", Error(() => attention.Forward(Tensor.Zeros([2, 5, 7]))).Message);
    }

    [Fact]
    public void CustomLayersInsideAndOutside()
    {
        var model = new Sequential(new Dense(4, 6, s_rng), new Custom());
        var e = Error(() => model.Forward(Tensor.Zeros([2, 4])));
        Assert.Equal("1", e.Layer);
        Assert.StartsWith("1: matmul: ", e.Message, StringComparison.Ordinal);
        Assert.Equal("2", Error(() => new Sequential(new Relu(), new Relu(), new Lambda(x => x.Reshape(-1, 7))).Forward(Tensor.Zeros([2, 4]))).Layer);
    }

    [Fact]
    public void OutsideLayersThereIsNone() => Assert.Null(Error(() => Tensor.Zeros([2, 3]).MatMul(Tensor.Zeros([2, 3]))).Layer);

    private sealed class Encoder(Rng rng) : Module
    {
        private readonly Dense _first = new(4, 5, rng), _second = new(6, 2, rng);

        public Tensor Forward(Tensor x) => _second.Forward(_first.Forward(x).Relu());

        protected internal override void Parts(Parts p) => p.Of(_first).Of(_second);
    }

    private sealed class Outer(Rng rng) : Module
    {
        private readonly Encoder _encoder = new(rng);

        public Encoder Encoder => _encoder;

        public Tensor Forward(Tensor x) => _encoder.Forward(x);

        protected internal override void Parts(Parts p) => p.Of(_encoder);
    }

    private sealed class Custom : Layer
    {
        private readonly Parameter _weight = new([5, 3]);

        public override Tensor Forward(Tensor x) => x.MatMul(_weight);

        protected internal override void Parts(Parts p) => p.Of(_weight);
    }
}
