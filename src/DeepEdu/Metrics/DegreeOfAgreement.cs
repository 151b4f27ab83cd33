using DeepEdu.Tensors;

namespace DeepEdu.Metrics;

/// <summary>What a diagnosis of one skill is worth.</summary>
/// <param name="Skill">Its number.</param>
/// <param name="Agreement">The share of pairs that agree; NaN where there is none.</param>
/// <param name="Pairs">The weight of the pairs.</param>
public readonly record struct SkillAgreement(int Skill, double Agreement, double Pairs);

/// <summary>Degree of agreement, DOA, of a cognitive diagnosis: of two learners who answered the same item differently, whoever is said to know the item's skill better should have answered it better
/// (Wang et al. 2020, arXiv:1908.08733; Liu et al. 2018, doi:10.1145/3168361). For skill k, the items j that ask for it, and pairs of learners a, b who both answered j,
/// <para>DOA(k) = Σⱼ Σₐ,ᵦ [Fₐₖ &gt; Fᵦₖ]·[rₐⱼ &gt; rᵦⱼ] / Σⱼ Σₐ,ᵦ [Fₐₖ &gt; Fᵦₖ]·[rₐⱼ ≠ rᵦⱼ]</para>
/// with mastery F and answers r: 1 where the order is always kept, 0.5 by chance. Pairs of equal mastery, and of equal answers, say nothing and are left out, so that a pair counts once for each item that it answered differently; the first
/// paper prints a mean over pairs instead, in which equal answers count against. Keeps every answer; O(n log n) in their number, not in pairs.</summary>
public sealed class DegreeOfAgreement : IMetric<DegreeOfAgreement>
{
    private readonly List<Row> _rows = [];

    /// <summary>Number of unmasked answers seen, one for each skill that its item asks for.</summary>
    public int Count => _rows.Count;

    /// <summary>The mean over skills of which there is a pair; NaN where there is none.</summary>
    public double Value => BySkill().Select(s => s.Agreement).Where(double.IsFinite).DefaultIfEmpty(double.NaN).Average();

    /// <summary>The agreement of each skill seen, in order of their numbers.</summary>
    public SkillAgreement[] BySkill()
    {
        Row[] rows = [.. _rows];
        Array.Sort(rows, static (a, b) => (a.Skill, a.Item, a.Mastery).CompareTo((b.Skill, b.Item, b.Mastery)));
        List<SkillAgreement> skills = [];
        for (int start = 0; start < rows.Length;)
        {
            int skill = rows[start].Skill;
            double agree = 0, against = 0;
            while (start < rows.Length && rows[start].Skill == skill)
            {
                int end = start + 1;
                while (end < rows.Length && rows[end].Skill == skill && rows[end].Item == rows[start].Item) { end++; }
                var (a, d) = Pairs(rows.AsSpan(start, end - start));
                (agree, against, start) = (agree + a, against + d, end);
            }
            skills.Add(new(skill, agree / (agree + against), agree + against));
        }
        return [.. skills];
    }

    /// <summary>Adds one learner's answer to an item, for one of the skills that it asks for; add it once for each of them.</summary>
    /// <param name="skill">Number of the skill.</param>
    /// <param name="item">Number of the item.</param>
    /// <param name="mastery">How well the learner is said to know the skill, on any increasing scale.</param>
    /// <param name="answer">1 for right, 0 for wrong, or a score.</param>
    /// <param name="weight">0 masks the answer.</param>
    /// <exception cref="ArgumentException">Mastery or answer is NaN, or the weight is bad.</exception>
    public void Add(int skill, int item, double mastery, double answer, double weight = 1)
    {
        Check.Weight("degree-of-agreement", weight);
        if (weight == 0) { return; }
        if (double.IsNaN(mastery) || double.IsNaN(answer)) { throw new ArgumentException($"degree-of-agreement: mastery {mastery} and answer {answer} cannot be ordered; a weight of 0 masks an answer."); }
        _rows.Add(new(skill, item, mastery, answer, weight));
    }

    /// <inheritdoc/>
    public void Merge(DegreeOfAgreement other)
    {
        ArgumentNullException.ThrowIfNull(other);
        _rows.AddRange(other._rows.ToArray());
    }

    /// <inheritdoc/>
    public IMetric Fresh() => new DegreeOfAgreement();

    /// <inheritdoc/>
    public void Reset() => _rows.Clear();

    /// <inheritdoc/>
    public void SaveState(StateDict to)
    {
        ArgumentNullException.ThrowIfNull(to);
        to.Set("skills", [.. _rows.Select(r => (long)r.Skill)]).Set("items", [.. _rows.Select(r => (long)r.Item)]).Set("mastery", [.. _rows.Select(r => r.Mastery)])
            .Set("answers", [.. _rows.Select(r => r.Answer)]).Set("weights", [.. _rows.Select(r => r.Weight)]);
    }

    /// <inheritdoc/>
    public void LoadState(StateDict from)
    {
        ArgumentNullException.ThrowIfNull(from);
        long[] skills = from.Longs("skills"), items = from.Longs("items");
        double[] mastery = from.Doubles("mastery"), answers = from.Doubles("answers"), weights = from.Doubles("weights");
        Check.Columns("degree-of-agreement", skills.Length, items.Length, mastery.Length);
        Check.Columns("degree-of-agreement", skills.Length, answers.Length, weights.Length);
        _rows.Clear();
        for (int i = 0; i < skills.Length; i++) { _rows.Add(new((int)skills[i], (int)items[i], mastery[i], answers[i], weights[i])); }
    }

    // of one item's answers in order of mastery, the pairs whose answers are in the same order and in the other; those of equal mastery are taken in together
    private static (double Agree, double Against) Pairs(ReadOnlySpan<Row> rows)
    {
        double[] levels = new double[rows.Length];
        for (int i = 0; i < levels.Length; i++) { levels[i] = rows[i].Answer; }
        levels = [.. levels.Distinct().Order()];
        double[] tree = new double[levels.Length + 1];
        double agree = 0, against = 0, total = 0;
        for (int start = 0, end; start < rows.Length; start = end)
        {
            for (end = start; end < rows.Length && rows[end].Mastery == rows[start].Mastery; end++)
            {
                int at = Array.BinarySearch(levels, rows[end].Answer) + 1;
                agree += rows[end].Weight * PairTree.Below(tree, at - 1);
                against += rows[end].Weight * (total - PairTree.Below(tree, at));
            }
            for (int k = start; k < end; k++)
            {
                PairTree.Insert(tree, Array.BinarySearch(levels, rows[k].Answer) + 1, rows[k].Weight);
                total += rows[k].Weight;
            }
        }
        return (agree, against);
    }

    private readonly record struct Row(int Skill, int Item, double Mastery, double Answer, double Weight);
}
