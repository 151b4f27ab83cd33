using DeepEdu.Tensors;

namespace DeepEdu.Nn;

/// <summary>A layer whose weight may come from elsewhere: what <see cref="WeightNorm"/> wraps.</summary>
internal interface IWeighted
{
    /// <summary>The weight.</summary>
    Parameter Weight { get; }

    /// <summary>The bias, or none.</summary>
    Parameter? Bias { get; }

    /// <summary>The layer's function with another weight of the same shape.</summary>
    Tensor Forward(Tensor x, Tensor weight);
}
