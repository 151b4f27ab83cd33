using DeepEdu.Ops;
using DeepEdu.Tensors;

namespace DeepEdu.Nn;

/// <summary>The mean over the steps of each sequence that are no padding: [N, T, C] → [N, C]. A sequence without steps gives 0. Keras' <c>GlobalAveragePooling1D</c> with a mask; in PyTorch
/// <c>(x * mask[..., None]).sum(1) / mask.sum(1, keepdim=True)</c>.</summary>
public sealed class MeanOverTime : Layer
{
    /// <summary>The mean over all steps.</summary>
    public override Tensor Forward(Tensor x)
    {
        try { return x.Mean(1); }
        catch (ShapeException e) when (Places(e)) { throw; }
    }

    /// <summary>The mean over the first steps, or the last where padding stands left.</summary>
    /// <param name="x">[N, T, C].</param>
    /// <param name="lengths">Steps of each sequence, 0 to T.</param>
    /// <param name="padLeft">Whether padding comes first.</param>
    public Tensor Forward(Tensor x, Indices lengths, bool padLeft = false)
    {
        try { return x.MeanOverTime(lengths, padLeft); }
        catch (ShapeException e) when (Places(e)) { throw; }
    }

    /// <summary>The mean over the steps whose mask is not 0.</summary>
    /// <param name="x">[N, T, C].</param>
    /// <param name="mask">[N, T].</param>
    public Tensor Forward(Tensor x, Tensor mask)
    {
        try { return x.MeanOverTime(mask); }
        catch (ShapeException e) when (Places(e)) { throw; }
    }
}

/// <summary>The largest value over the steps of each sequence that are no padding: [N, T, C] → [N, C]. A sequence without steps gives 0. Keras' <c>GlobalMaxPooling1D</c>, which has no mask; in
/// PyTorch <c>x.masked_fill(~mask[..., None], -inf).amax(1)</c>.</summary>
public sealed class MaxOverTime : Layer
{
    /// <summary>The largest over all steps.</summary>
    public override Tensor Forward(Tensor x)
    {
        try { return x.Max(1); }
        catch (ShapeException e) when (Places(e)) { throw; }
    }

    /// <summary>The largest over the first steps, or the last where padding stands left.</summary>
    /// <param name="x">[N, T, C].</param>
    /// <param name="lengths">Steps of each sequence, 0 to T.</param>
    /// <param name="padLeft">Whether padding comes first.</param>
    public Tensor Forward(Tensor x, Indices lengths, bool padLeft = false)
    {
        try { return x.MaxOverTime(lengths, padLeft); }
        catch (ShapeException e) when (Places(e)) { throw; }
    }

    /// <summary>The largest over the steps whose mask is not 0.</summary>
    /// <param name="x">[N, T, C].</param>
    /// <param name="mask">[N, T].</param>
    public Tensor Forward(Tensor x, Tensor mask)
    {
        try { return x.MaxOverTime(mask); }
        catch (ShapeException e) when (Places(e)) { throw; }
    }
}
