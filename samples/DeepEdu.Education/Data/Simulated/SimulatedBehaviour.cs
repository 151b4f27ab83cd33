using DeepEdu.Numerics;

namespace DeepEdu.Education.Data.Simulated;

/// <summary>Clicks of learners with a planted cause of leaving. Each has a habit of its own, busy or quiet, and a drive that wanders around 0; from a random week on some lose drive, week by week. Counts are Poisson with
/// mean habit·e^drive. Who leaves is decided by the drive alone, with chance σ(−5.5 − 2·drive) each week: a quiet habit is no danger, a busy week long ago no help.</summary>
/// <param name="Log">What an observer sees.</param>
/// <param name="Drive">The hidden drive, learner by learner, week after week.</param>
internal sealed record SimulatedBehaviour(BehaviourLog Log, float[][] Drive)
{
    public const int Weeks = 16;
    private static readonly string[] s_kinds = ["exercise", "forum", "login", "video"];
    private static readonly float[] s_means = [4, 1, 6, 3];

    public static SimulatedBehaviour Create(ulong seed, int learners)
    {
        Rng rng = new(seed);
        ObservedLearner[] all = new ObservedLearner[learners];
        float[][] drives = new float[learners][];
        for (int l = 0; l < learners; l++)
        {
            Rng own = rng.Split((ulong)l);
            float[] counts = new float[Weeks * s_kinds.Length], drive = drives[l] = new float[Weeks];
            float[] habit = Array.ConvertAll(s_means, m => m * MathF.Exp(0.8f * own.NextGaussian()));
            int tired = own.Next(3) == 0 ? own.Next(Weeks) : Weeks;
            float now = 0.3f * own.NextGaussian();
            int? left = null;
            for (int w = 0; w < Weeks && left is null; w++)
            {
                now = (0.8f * now) + (0.25f * own.NextGaussian()) - (w >= tired ? 0.45f : 0);
                drive[w] = now;
                for (int k = 0; k < s_kinds.Length; k++) { counts[(w * s_kinds.Length) + k] = Poisson(habit[k] * MathF.Exp(now), own); }
                if (own.NextDouble() < 1 / (1 + Math.Exp(5.5 + (2 * now)))) { left = w; }
            }
            all[l] = new($"u{l}", [l % 2 == 0 ? "morning" : "evening"], counts, left);
        }
        return new(new("simulated clicks", s_kinds, all) { GroupNames = ["course"] }, drives);
    }

    // how many arrivals of unit intervals fit (Knuth, The Art of Computer Programming, volume 2, 3.4.1)
    private static int Poisson(float mean, Rng rng)
    {
        double limit = Math.Exp(-Math.Min(mean, 500)), product = rng.NextDouble();
        int count = 0;
        for (; product > limit; count++) { product *= rng.NextDouble(); }
        return count;
    }
}
