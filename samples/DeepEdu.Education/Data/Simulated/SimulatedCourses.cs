using DeepEdu.Numerics;

namespace DeepEdu.Education.Data.Simulated;

/// <summary>Learners who follow two courses at a time: each has ten items, every one of which needs the one before. With chance .6 a learner goes on with the course of the last item, else with the other, and one choice in ten is an item of no
/// course of theirs, by popularity. A course that ends, or is given up (one in eight at each choice), gives way to another that fits the learner's interests. So the last item tells the next one of one course only, and a list without
/// order does not tell which courses are still followed. The last choice is held out, beside 99 items never taken.</summary>
/// <param name="Data">What a recommender sees.</param>
/// <param name="Chance">How likely each item was the learner's last choice (learner by learner); it knows which courses the learner follows, of which those just begun show nowhere.</param>
internal sealed record SimulatedCourses(Interactions Data, float[] Chance)
{
    private const int Courses = 30, Length = 10, Items = Courses * Length, PerUser = 25, Topics = 4;
    private const float Same = 0.6f, Stray = 0.1f, GivenUp = 0.125f;

    public static SimulatedCourses Create(ulong seed, int users)
    {
        Rng rng = new(seed);
        float[] interest = new float[users * Topics], topic = new float[Courses * Topics], popularity = new float[Items];
        rng.Split(1).FillNormal(interest);
        rng.Split(2).FillNormal(topic);
        for (int i = 0; i < Items; i++) { popularity[i] = MathF.Pow(1 + (i / 5f), -0.8f); }
        rng.Split(3).Shuffle<float>(popularity);
        float[] chance = new float[users * Items];
        int[][] train = new int[users][], negatives = new int[users][];
        int[] test = new int[users];
        for (int u = 0; u < users; u++)
        {
            Learner learner = new(interest.AsMemory(u * Topics, Topics), topic, popularity, rng.Split(100 + (ulong)u));
            train[u] = [.. Enumerable.Range(0, PerUser - 1).Select(_ => learner.Take(learner.Chances()))];
            float[] last = learner.Chances();
            last.CopyTo(chance, u * Items);
            test[u] = learner.Take(last);
            int[] rest = [.. Enumerable.Range(0, Items).Except(train[u]).Where(i => i != test[u])];
            learner.Rng.Shuffle<int>(rest);
            negatives[u] = rest[..99];
        }
        return new(new("simulated courses", users, Items, train, test, negatives) { Order = () => train }, chance);
    }

    private sealed class Learner
    {
        private readonly float[] _popularity;
        private readonly bool[] _taken = new bool[Items];
        private readonly Queue<int> _courses; // those not begun, in the order of interest
        private readonly int[] _now; // the course of the last item, and the other

        public Learner(ReadOnlyMemory<float> interest, float[] topic, float[] popularity, Rng rng)
        {
            (_popularity, Rng) = (popularity, rng);
            float[] drawn = new float[Courses];
            for (int c = 0; c < Courses; c++)
            {
                for (int k = 0; k < Topics; k++) { drawn[c] -= 1.2f * interest.Span[k] * topic[(c * Topics) + k]; }
                drawn[c] += MathF.Log(-MathF.Log((rng.NextSingle() * 0.999998f) + 1e-6f)); // Gumbel noise: without replacement, in proportion to exp(interest)
            }
            int[] order = [.. Enumerable.Range(0, Courses)];
            Array.Sort(drawn, order);
            _courses = new(order);
            _now = [_courses.Dequeue(), _courses.Dequeue()];
        }

        public Rng Rng { get; }

        public float[] Chances()
        {
            float[] chances = new float[Items];
            double all = 0;
            for (int i = 0; i < Items; i++) { all += _taken[i] ? 0 : _popularity[i]; }
            for (int i = 0; i < Items; i++) { chances[i] = _taken[i] ? 0 : (float)(Stray * _popularity[i] / all); }
            chances[Next(_now[0])] += (1 - Stray) * Same;
            chances[Next(_now[1])] += (1 - Stray) * (1 - Same);
            return chances;
        }

        public int Take(float[] chances)
        {
            double left = Rng.NextDouble() * chances.Sum(c => (double)c);
            int item = -1;
            for (int i = 0; i < Items && left >= 0; i++)
            {
                if (chances[i] > 0) { (item, left) = (i, left - chances[i]); }
            }
            _taken[item] = true;
            if (item / Length == _now[1]) { Array.Reverse(_now); }
            for (int c = 0; c < 2; c++)
            {
                if (_courses.Count > 0 && Rng.NextSingle() < GivenUp) { _now[c] = _courses.Dequeue(); }
                while (Done(_now[c])) { _now[c] = _courses.Dequeue(); }
            }
            return item;
        }

        private bool Done(int course) => _taken.AsSpan(course * Length, Length).IndexOf(false) < 0;

        private int Next(int course) => (course * Length) + _taken.AsSpan(course * Length, Length).IndexOf(false);
    }
}
