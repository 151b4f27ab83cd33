using System.Text;
using DeepEdu.Data;
using DeepEdu.Numerics;

namespace DeepEdu.Education.Data.Simulated;

/// <summary>How many points a simulated essay has in each row of the rubric, 0..3.</summary>
/// <param name="Content">How many of its sentences give a reason that is to the point.</param>
/// <param name="Structure">How many sentences begin with a word that links them.</param>
/// <param name="Language">How few words are misspelt.</param>
internal readonly record struct Rubric(int Content, int Structure, int Language)
{
    public int Score => Content + Structure + Language;
}

/// <summary>Essays on whether pupils should have homework, written by a small grammar so that their points are known: quality decides what is said and how, length is drawn apart from it.
/// A share of them is copied from another essay with a few words changed.</summary>
/// <param name="Set">Texts, scores 0..9 and five folds; a copy is in the fold of its original.</param>
/// <param name="Rubrics">The true points.</param>
/// <param name="CopyOf">The essay that each was copied from; −1 where it was not.</param>
internal sealed record SimulatedEssays(EssaySet Set, Rubric[] Rubrics, int[] CopyOf)
{
    private static readonly string[] s_links = ["First of all,", "However,", "For example,", "In addition,", "Therefore,", "On the other hand,"];
    private static readonly string[] s_reasons =
    [
        "homework gives practice after the lesson", "homework shows the teacher what was not understood", "homework leaves no time for sport and friends",
        "homework helps pupils to plan their week", "homework is unfair where nobody at home can help", "homework makes tired children in the morning",
    ];
    private static readonly string[] s_fillers =
    [
        "my brother has a red bicycle", "we went to the lake last summer", "the weather was very nice", "my favourite food is pizza", "there was a big dog in the street", "the film was long and loud",
    ];

    public static SimulatedEssays Create(ulong seed, int essays = 400, double copied = 0.05)
    {
        Rng rng = new(seed);
        Essay[] texts = new Essay[essays];
        Rubric[] rubrics = new Rubric[essays];
        int[] copyOf = new int[essays], origin = new int[essays];
        for (int e = 0; e < essays; e++)
        {
            Rng own = rng.Split((ulong)e);
            bool copies = e > 0 && own.NextDouble() < copied;
            copyOf[e] = copies ? own.Next(e) : -1;
            origin[e] = copies ? origin[copyOf[e]] : e;
            rubrics[e] = copies ? rubrics[copyOf[e]] : new(own.Next(4), own.Next(4), own.Next(4));
            texts[e] = new(e + 1, copies ? Change(texts[copyOf[e]].Text, own) : Write(rubrics[e], 6 + own.Next(14), own), rubrics[e].Score);
        }
        Split[] folds = Folds.ByGroup<int>(origin, 5, rng.Split(ulong.MaxValue));
        return new(new("simulated essays", 1, 0, 9, texts, [.. folds.Select((f, k) => new Fold([.. f.Train.Except(folds[(k + 1) % 5].Test)], folds[(k + 1) % 5].Test, f.Test))]), rubrics, copyOf);
    }

    private static string Write(Rubric rubric, int sentences, Rng rng)
    {
        StringBuilder text = new();
        for (int s = 0; s < sentences; s++)
        {
            bool linked = rng.NextDouble() < Chance(rubric.Structure), tells = rng.NextDouble() < Chance(rubric.Content);
            string clause = tells ? s_reasons[rng.Next(s_reasons.Length)] : s_fillers[rng.Next(s_fillers.Length)];
            string sentence = linked ? $"{s_links[rng.Next(s_links.Length)]} {clause}." : $"{char.ToUpperInvariant(clause[0])}{clause[1..]}.";
            text.Append(s > 0 ? " " : "").AppendJoin(' ', sentence.Split(' ').Select(w => rng.NextDouble() < 0.3 * (1 - Chance(rubric.Language)) ? Misspell(w, rng) : w));
        }
        return text.ToString();
    }

    // 0.05, 0.35, 0.65, 0.95
    private static double Chance(int points) => 0.05 + (0.3 * points);

    /// <summary>Two letters next to each other change places.</summary>
    private static string Misspell(string word, Rng rng)
    {
        if (word.Length < 4) { return word; }
        int at = 1 + rng.Next(word.Length - 3);
        return $"{word[..at]}{word[at + 1]}{word[at]}{word[(at + 2)..]}";
    }

    private static string Change(string text, Rng rng)
    {
        string[] words = text.Split(' ');
        for (int n = 0; n < 3; n++)
        {
            int at = rng.Next(words.Length);
            words[at] = Misspell(words[at], rng);
        }
        return string.Join(' ', words);
    }
}
