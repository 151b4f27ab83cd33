using DeepEdu.Numerics;
using DeepEdu.Ops;
using DeepEdu.Tensors;

namespace DeepEdu.Nn;

/// <summary>y = x·Wᵀ + b over the last axis: x [.., inputs] → [.., outputs]; W [outputs, inputs] "weight", b [outputs] "bias".
/// PyTorch's <c>nn.Linear(inputs, outputs)</c>, Keras' <c>Dense(outputs)</c>.</summary>
public sealed class Dense : Layer, IWeighted
{
    private readonly Parameter _weight;
    private readonly Parameter? _bias;

    /// <summary>A layer with PyTorch's initial values: both uniform in ±1/√inputs.</summary>
    /// <param name="inputs">Size of the last axis of x.</param>
    /// <param name="outputs">Size of the last axis of y.</param>
    /// <param name="rng">Where the initial values come from; one child stream is taken.</param>
    /// <param name="bias">Whether b is there.</param>
    /// <param name="init">Other initial values of the weight; the bias then starts at 0, as in Keras.</param>
    public Dense(int inputs, int outputs, Rng rng, bool bias = true, Initializer? init = null)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(inputs);
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(outputs);
        ArgumentNullException.ThrowIfNull(rng);
        var own = rng.Fork();
        _weight = new([outputs, inputs]);
        _bias = bias ? new([outputs]) : null;
        Init.Layer(_weight, _bias, own, init);
    }

    private Dense(Parameter weight, Parameter? bias) => (_weight, _bias) = (weight, bias);

    /// <summary>A layer that shares its weight with another part, such as an embedding's table that also scores the next token: x [.., width] → [.., count]. The weight is
    /// learned once, from both uses, and counted once. Press and Wolf 2017, arXiv:1608.05859. PyTorch's <c>head.weight = embedding.weight</c>.
    /// <code>Dense head = Dense.Tied(embedding.Weight);</code></summary>
    /// <param name="weight">W [outputs, inputs], the other part's.</param>
    /// <param name="bias">Whether a bias of this layer's own is added; it starts at 0.</param>
    /// <exception cref="ShapeException">The weight is not a matrix.</exception>
    public static Dense Tied(Parameter weight, bool bias = false)
    {
        ArgumentNullException.ThrowIfNull(weight);
        if (weight.Rank != 2) { throw new ShapeException("dense", $"a tied weight must be [outputs, inputs], not {weight.Shape}", weight.Shape); }
        return new(weight, bias ? new([weight.Shape[0]], new float[weight.Shape[0]], weight.Device) : null);
    }

    /// <summary>W [outputs, inputs].</summary>
    public Parameter Weight => _weight;

    /// <summary>b [outputs], or none.</summary>
    public Parameter? Bias => _bias;

    internal override bool Multiplies => true;

    /// <inheritdoc/>
    public override Tensor Forward(Tensor x)
    {
        try { return x.Linear(_weight, _bias); }
        catch (ShapeException e) when (Places(e)) { throw; }
    }

    /// <summary>residual + dropout(y), in one operation where there is nothing to drop.</summary>
    internal Tensor Forward(Tensor x, Tensor residual, Dropout dropout)
    {
        try { return dropout.IsIdle ? x.LinearAdd(_weight, _bias, residual) : residual + dropout.Forward(Forward(x)); }
        catch (ShapeException e) when (Places(e)) { throw; }
    }

    Tensor IWeighted.Forward(Tensor x, Tensor weight) => x.Linear(weight, _bias);

    /// <inheritdoc/>
    protected internal override void Parts(Parts p)
    {
        ArgumentNullException.ThrowIfNull(p);
        p.Of(_weight).Of(_bias);
    }

    internal override Layer? Fuse(Layer next) => next switch
    {
        Relu => new WithRelu(this),
        Gelu { IsApproximate: false } => new WithGelu(this),
        _ => null,
    };

    private sealed class WithRelu(Dense dense) : Layer
    {
        public override string Kind => dense.Kind;

        public override Tensor Forward(Tensor x)
        {
            try { return x.Linear(dense._weight, dense._bias, relu: true); }
            catch (ShapeException e) when (dense.Places(e)) { throw; }
        }
    }

    private sealed class WithGelu(Dense dense) : Layer
    {
        public override string Kind => dense.Kind;

        public override Tensor Forward(Tensor x)
        {
            try { return x.LinearGelu(dense._weight, dense._bias); }
            catch (ShapeException e) when (dense.Places(e)) { throw; }
        }
    }
}
