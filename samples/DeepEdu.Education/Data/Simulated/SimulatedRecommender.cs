using DeepEdu.Numerics;

namespace DeepEdu.Education.Data.Simulated;

/// <summary>Learners with latent skills choose learning items over time: the chance to take an item grows with the match of interests and with its popularity
/// and falls with the gap between its difficulty and the learner's level. The last choice is held out, beside 99 items never taken.</summary>
/// <param name="Data">What a recommender sees.</param>
/// <param name="Utility">The planted utility of every item for every learner (learner by learner); a ranking by it is the best one possible.</param>
internal sealed record SimulatedRecommender(Interactions Data, float[] Utility)
{
    public static SimulatedRecommender Create(ulong seed, int users)
    {
        const int items = 300, perUser = 25, skills = 4;
        Rng rng = new(seed);
        float[] interest = new float[users * skills], topic = new float[items * skills], level = new float[users], difficulty = new float[items], popularity = new float[items];
        rng.Split(1).FillNormal(interest);
        rng.Split(2).FillNormal(topic);
        rng.Split(3).FillNormal(level);
        rng.Split(4).FillNormal(difficulty);
        for (int i = 0; i < items; i++) { popularity[i] = -0.8f * MathF.Log(1 + i / 5f); } // a long tail: weight (1 + i/5)^-0.8
        rng.Split(5).Shuffle<float>(popularity);

        float[] utility = new float[users * items];
        int[][] train = new int[users][], negatives = new int[users][];
        int[] test = new int[users];
        (float Key, int Item)[] race = new (float, int)[items];
        for (int u = 0; u < users; u++)
        {
            Rng own = rng.Split(100 + (ulong)u);
            for (int i = 0; i < items; i++)
            {
                float match = 0, gap = difficulty[i] - level[u];
                for (int k = 0; k < skills; k++) { match += interest[u * skills + k] * topic[i * skills + k]; }
                float value = 1.2f * match + popularity[i] - 0.5f * gap * gap;
                utility[u * items + i] = value;
                // Utility plus Gumbel noise, in descending order, draws without replacement in proportion to exp(utility).
                race[i] = (value - MathF.Log(-MathF.Log(own.NextSingle() * 0.999998f + 1e-6f)), i);
            }
            Array.Sort(race, static (a, b) => b.Key.CompareTo(a.Key));
            int[] taken = [.. race.Take(perUser).Select(r => r.Item)];
            own.Shuffle<int>(taken); // the order of time says nothing about preference
            train[u] = taken[..^1];
            test[u] = taken[^1];
            int[] rest = [.. race.Skip(perUser).Select(r => r.Item)];
            own.Shuffle<int>(rest);
            negatives[u] = rest[..Math.Min(99, rest.Length)];
        }
        return new(new("simulated learners", users, items, train, test, negatives) { Order = () => train }, utility);
    }
}
