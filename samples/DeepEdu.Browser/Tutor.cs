using System.Globalization;
using System.Runtime.InteropServices.JavaScript;
using DeepEdu.Education.Data;
using DeepEdu.Education.Data.Simulated;
using DeepEdu.Education.Models;
using DeepEdu.Education.Ui;
using DeepEdu.Io;
using DeepEdu.Metrics;
using DeepEdu.Numerics;

namespace DeepEdu.Browser;

/// <summary>What the page calls: trains deep knowledge tracing on simulated learners, asks its own learner, and tells from the answers how likely the next one to each skill is right.</summary>
internal static partial class Tutor
{
    private const int Answers = 30; // of a simulated learner
    private const double Open = 0.5; // the chance of a right answer at which it tells most

    // who types a number seldom guesses it, and each skill takes longer to learn than the one before
    private static readonly SkillChances[] s_simulated = [new(0.6, 0.15, 0.01, 0.05, 0.06), new(0.5, 0.12, 0.01, 0.05, 0.08), new(0.45, 0.1, 0.02, 0.04, 0.08), new(0.35, 0.1, 0.03, 0.04, 0.1), new(0.25, 0.08, 0.03, 0.04, 0.1)];

    private static TracingNet? s_network;
    private static int[] s_places = []; // of each skill in the network
    private static TracedLearner s_learner = new("you", [], []);
    private static Rng s_draw = new(0);
    private static Exercise? s_asked;

    [JSExport]
    public static string[] Skills() => Exercise.Skills;

    /// <summary>Trains, and reports in between. Returns how well the network tells answers of simulated learners that it has not seen: the area under the curve.</summary>
    [JSExport]
    public static double Train(int learners, int epochs, int seed)
    {
        var set = TracingSet.Simulated((ulong)seed, learners, s_simulated, Answers);
        s_places = [.. Exercise.Skills.Select((_, k) => Array.IndexOf(set.Skills, $"s{k}"))];
        var kind = TracingKind.Of(TracingKind.Usual);
        TracingTrainer trainer = new(set, set.Folds[0], new(kind, epochs, Batch: 10, Width: 24, (ulong)seed) { Dropout = 0.1f, LearningRate = 2e-2 });
        trainer.Fit("learning", new Reports(epochs), CancellationToken.None);
        s_network = trainer.Network;
        Begin(seed);

        TracedLearner[] held = [.. set.Folds[0].Test.Select(l => set.Learners[l])];
        RocAuc auc = new();
        foreach (var (learner, chances) in held.Zip(s_network.Chances(held)))
        {
            for (int t = 1; t < learner.Count; t++) { auc.Add(chances[t], learner.Right[t]); }
        }
        return auc.Value;
    }

    /// <summary>A new learner, of whom nothing is known.</summary>
    [JSExport]
    public static void Begin(int seed) => (s_learner, s_draw, s_asked) = (new("you", [], []), new((ulong)seed), null);

    /// <summary>The next question: each skill once, then the one whose next answer is least certain, and never the same twice running.</summary>
    [JSExport]
    public static string Ask()
    {
        int[] order = [.. Enumerable.Range(0, s_places.Length)];
        int next = s_learner.Count < order.Length ? s_learner.Count : Chances() is var chances ? order.Where(k => k != s_asked!.Skill).MinBy(k => Math.Abs(chances[k] - Open)) : 0;
        s_asked = Exercise.Of(next, s_draw);
        return s_asked.Text;
    }

    /// <summary>The skill of the question that was asked last.</summary>
    [JSExport]
    public static string Asked() => Exercise.Skills[Last.Skill];

    /// <summary>Takes the answer to it, and returns the right one.</summary>
    [JSExport]
    public static int Answer(int number)
    {
        s_learner = s_learner with { Skills = [.. s_learner.Skills, s_places[Last.Skill]], Right = [.. s_learner.Right, number == Last.Answer] };
        return Last.Answer;
    }

    /// <summary>The chance that the next answer to each skill is right; none before the first answer.</summary>
    [JSExport]
    public static double[] Chances()
    {
        if (s_learner.Count == 0) { return []; }
        float[] told = Network.Mastery(s_learner);
        return [.. s_places.Select(p => (double)told[p])];
    }

    /// <summary>The trained network as a safetensors file, which the library opens anywhere else.</summary>
    [JSExport]
    public static byte[] Save()
    {
        string path = Path.Combine(Path.GetTempPath(), "tutor.safetensors"); // the runtime's own file system: it is gone with the page
        Network.SaveWeights(path);
        return File.ReadAllBytes(path);
    }

    [JSImport("progress", "tutor")]
    private static partial void Progress(double part, string text);

    private static TracingNet Network => s_network ?? throw new InvalidOperationException("tutor: nothing is trained yet; call Train first");

    private static Exercise Last => s_asked ?? throw new InvalidOperationException("tutor: nothing was asked yet; call Ask first");

    /// <summary>Tells the page how far the training is.</summary>
    private sealed class Reports(int epochs) : IProgress
    {
        private int _done;

        public void Step(string phase, int step, int steps) => Progress((_done + ((double)step / steps)) / epochs, string.Create(CultureInfo.InvariantCulture, $"{phase}, batch {step} of {steps}"));

        public void Line(string text) => Progress((double)++_done / epochs, text);
    }
}
