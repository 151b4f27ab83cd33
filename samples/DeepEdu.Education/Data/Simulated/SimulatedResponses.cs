using DeepEdu.Numerics;

namespace DeepEdu.Education.Data.Simulated;

/// <summary>How answers are simulated from abilities.</summary>
internal sealed record ResponseSettings
{
    public int Learners { get; init; } = 500;

    public int Items { get; init; } = 60;

    /// <summary>Skills; 1 is plain item response theory.</summary>
    public int Skills { get; init; } = 1;

    /// <summary>The chance that who does not know answers right.</summary>
    public float Guess { get; init; } = 0.2f;

    /// <summary>The chance that who knows answers wrong.</summary>
    public float Slip { get; init; } = 0.05f;

    /// <summary>Answers a learner, to different items in random order; all items if more.</summary>
    public int PerLearner { get; init; } = int.MaxValue;
}

/// <summary>Multidimensional item response theory with known truth: learner l answers item i right with chance g + (1 − g − s)·σ(Σ_k a_ik·θ_lk − b_i) (Reckase 2009, eq. 4.6, with
/// an upper asymptote 1 − s). θ and b are normal, a is 0 for skills that the item does not ask for and log-normal around 1.2 for the one or two that it does.</summary>
/// <param name="Log">What an observer sees.</param>
/// <param name="Ability">θ, [learners, skills].</param>
/// <param name="Discrimination">a, [items, skills].</param>
/// <param name="Difficulty">b, [items].</param>
/// <param name="Settings">What it was made with.</param>
internal sealed record SimulatedResponses(LearnerLog Log, float[,] Ability, float[,] Discrimination, float[] Difficulty, ResponseSettings Settings)
{
    public static SimulatedResponses Create(ulong seed, ResponseSettings? settings = null)
    {
        settings ??= new();
        Rng rng = new(seed), items = rng.Split(1);
        int skills = settings.Skills;
        float[,] ability = new float[settings.Learners, skills], load = new float[settings.Items, skills];
        float[] difficulty = new float[settings.Items];
        string[][] asks = new string[settings.Items][];
        for (int i = 0; i < settings.Items; i++)
        {
            difficulty[i] = items.NextGaussian();
            int[] own = items.Permutation(skills)[..Math.Min(skills, 1 + (items.Next(3) == 0 ? 1 : 0))];
            foreach (int k in own) { load[i, k] = 1.2f * MathF.Exp(0.3f * items.NextGaussian()); }
            asks[i] = [.. own.Order().Select(k => $"s{k}")];
        }
        SimulatedResponses made = new(new("simulated responses", new LearnerSequence[settings.Learners]), ability, load, difficulty, settings);
        for (int l = 0; l < settings.Learners; l++)
        {
            Rng own = rng.Split(100 + (ulong)l);
            for (int k = 0; k < skills; k++) { ability[l, k] = own.NextGaussian(); }
            int[] order = own.Permutation(settings.Items)[..Math.Min(settings.Items, settings.PerLearner)];
            made.Log.Learners[l] = new($"u{l}", null, [.. order.Select((i, t) => new Answer($"q{i}", asks[i], own.NextSingle() < made.Chance(l, i) ? 1 : 0, t))]);
        }
        return made;
    }

    /// <summary>How far from the middle of all abilities an item lies: b by the length of a (Reckase 2009, eq. 5.9), which with one skill is the ability at which who does not guess is right with one half.</summary>
    public double Hardness(int item) => Difficulty[item] / Math.Sqrt(Enumerable.Range(0, Settings.Skills).Sum(k => Math.Pow(Discrimination[item, k], 2)));

    /// <summary>The true chance of a right answer.</summary>
    public double Chance(int learner, int item)
    {
        double x = -Difficulty[item];
        for (int k = 0; k < Settings.Skills; k++) { x += Discrimination[item, k] * Ability[learner, k]; }
        return Settings.Guess + ((1 - Settings.Guess - Settings.Slip) / (1 + Math.Exp(-x)));
    }
}
