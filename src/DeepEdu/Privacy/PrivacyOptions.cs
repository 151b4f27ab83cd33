namespace DeepEdu.Privacy;

/// <summary>Settings of <see cref="PrivateGradients"/>.</summary>
public sealed record PrivacyOptions
{
    /// <summary>C: the longest that the gradient of one sample may be, over all parameters together.</summary>
    public required float ClipNorm { get; init; }

    /// <summary>σ: noise of deviation σC is added to the sum of a batch; 0 for none, and no privacy. <see cref="PrivacyAccountant.NoiseFor"/> gives the least that is enough.</summary>
    public required double Noise { get; init; }

    /// <summary>δ for which <see cref="PrivateGradients.Epsilon"/> is told: well below one by the number of samples.</summary>
    public required double Delta { get; init; }
}
