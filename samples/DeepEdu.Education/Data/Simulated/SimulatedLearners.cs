using DeepEdu.Numerics;

namespace DeepEdu.Education.Data.Simulated;

/// <summary>A table of learners whose outcomes share planted causes. Ability and effort are hidden; the twelve features are noisy signs of them, four are pure noise.
/// Targets: <c>correct</c> (0/1, chance σ(1.5·ability − 0.2)), <c>time</c> (log seconds, 3 − 0.5·ability − 0.2·effort + noise) and
/// <c>dropout</c> (0/1, chance σ(−1 − ability − 1.5·effort)).</summary>
internal static class SimulatedLearners
{
    public const int Features = 16;

    public static LearnerTable Create(ulong seed, int rows = 2000)
    {
        Rng rng = new(seed);
        float[] features = new float[rows * Features], correct = new float[rows], time = new float[rows], dropout = new float[rows];
        float[] load = new float[2 * Features];
        rng.Split(1).FillNormal(load);
        Rng draw = rng.Split(2);
        for (int r = 0; r < rows; r++)
        {
            float ability = draw.NextGaussian(), effort = draw.NextGaussian();
            for (int k = 0; k < Features; k++)
            {
                float sign = k < 12 ? 0.7f * (load[2 * k] * ability + load[2 * k + 1] * effort) : 0;
                features[r * Features + k] = MathF.Tanh(sign) + 0.5f * draw.NextGaussian();
            }
            correct[r] = draw.NextSingle() < Sigmoid(1.5f * ability - 0.2f) ? 1 : 0;
            time[r] = 3 - 0.5f * ability - 0.2f * effort + 0.3f * draw.NextGaussian();
            dropout[r] = draw.NextSingle() < Sigmoid(-1 - ability - 1.5f * effort) ? 1 : 0;
        }
        return new("simulated learners", features, [.. Enumerable.Range(1, Features).Select(k => $"sign{k}")],
            new Dictionary<string, float[]> { ["correct"] = correct, ["time"] = time, ["dropout"] = dropout });
    }

    private static float Sigmoid(float x) => 1 / (1 + MathF.Exp(-x));
}
