using DeepEdu.Devices;
using DeepEdu.Memory;
using DeepEdu.Nn;
using DeepEdu.Numerics;
using DeepEdu.Ops;
using DeepEdu.Tensors;

namespace DeepEdu.Education.Models;

/// <summary>A GRU over weeks of scaled counts, and one logit: how likely a learner leaves later. The state after the last week is a profile of the learner.</summary>
internal sealed class RiskNet : Module
{
    /// <summary>The width of the state, and the share of it left out while learning, unless others are given.</summary>
    public const int Usual = 24;
    public const float Drop = 0.2f;

    private const int PredictBatch = 256;
    private readonly Gru _gru;
    private readonly Dropout _dropout;
    private readonly Dense _output;
    private readonly int _width, _hidden;

    /// <param name="width">Values a week.</param>
    /// <param name="share">The share of learners that leave, where the output starts.</param>
    /// <param name="rng">Where initial values and dropout come from.</param>
    /// <param name="hidden">The width of the state.</param>
    /// <param name="drop">The share of it left out while learning.</param>
    public RiskNet(int width, float share, Rng rng, int hidden = Usual, float drop = Drop)
    {
        (_width, _hidden) = (width, hidden);
        _gru = new(width, hidden, rng);
        _dropout = new(drop, rng);
        _output = new(hidden, 1, rng);
        _output.Bias!.AsSpan()[0] = MathF.Log(share / (1 - share));
    }

    public int Hidden => _hidden;

    /// <summary>Weeks [learners, weeks, width] → logits [learners].</summary>
    public Tensor Forward(Tensor weeks) => Logits(Profile(weeks));

    /// <summary>The chances to leave, and the profiles, of learners whose weeks stand one after another.</summary>
    public (float[] Risks, float[][] Profiles) Predict(float[] weeks, int learners)
    {
        float[] risks = new float[learners];
        float[][] profiles = new float[learners][];
        Device device = Parameters()[0].Value.Device;
        int size = learners == 0 ? 0 : weeks.Length / learners;
        for (int from = 0; from < learners; from += PredictBatch)
        {
            int n = Math.Min(PredictBatch, learners - from);
            using Arena arena = new();
            Tensor profile = Profile(Tensor.Of([n, size / _width, _width], weeks.AsSpan(from * size, n * size), device));
            Logits(profile).Sigmoid().To(CpuDevice.Instance).AsSpan().CopyTo(risks.AsSpan(from));
            float[] states = profile.ToArray();
            for (int l = 0; l < n; l++) { profiles[from + l] = states[(l * _hidden)..((l + 1) * _hidden)]; }
        }
        return (risks, profiles);
    }

    protected override void Parts(Parts p) => p.Of(_gru).Of(_dropout).Of(_output);

    private Tensor Profile(Tensor weeks) => _gru.Forward(weeks).Narrow(1, weeks.Shape[1] - 1, 1).Squeeze(1);

    private Tensor Logits(Tensor profile) => _output.Forward(_dropout.Forward(profile)).Squeeze(1);
}
