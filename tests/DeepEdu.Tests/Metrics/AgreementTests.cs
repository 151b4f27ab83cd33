using DeepEdu.Metrics;
using DeepEdu.Numerics;
using DeepEdu.Tensors;
using DeepEdu.Tests.Nn;

namespace DeepEdu.Tests.Metrics;

/// <summary>The degree of agreement, beside all pairs of learners (tests/golden/metrics.py) and by hand.</summary>
public class AgreementTests
{
    [Fact]
    public void AgreementIsThatOfAllPairs()
    {
        var g = GoldenLayers.Read("metrics.json").GetProperty("agreement");
        double[][] q = Rows("q"), mastery = Rows("mastery"), answers = Rows("answers"), expected = Rows("skills");
        DegreeOfAgreement agreement = new();
        for (int l = 0; l < answers.Length; l++)
        {
            for (int i = 0; i < q.Length; i++)
            {
                for (int k = 0; k < q[i].Length; k++) { agreement.Add(k, i, mastery[l][k], answers[l][i], answers[l][i] >= 0 && q[i][k] > 0 ? 1 : 0); }
            }
        }
        SkillAgreement[] skills = agreement.BySkill();
        Assert.Equal(expected.Length, skills.Length);
        for (int k = 0; k < skills.Length; k++) { Assert.Equal((k, expected[k][0], expected[k][1]), (skills[k].Skill, skills[k].Agreement, skills[k].Pairs)); }
        Assert.Equal(expected.Average(e => e[0]), agreement.Value, 1e-12);

        double[][] Rows(string name) => [.. g.GetProperty(name).EnumerateArray().Select(row => row.EnumerateArray().Select(v => v.GetDouble()).ToArray())];
    }

    /// <summary>By hand: four learners, two items; and of one item and right or wrong it is the area under the ROC curve, but for ties.</summary>
    [Fact]
    public void AgreementCountsPairsThatDiffer()
    {
        DegreeOfAgreement agreement = new();
        Assert.True(double.IsNaN(agreement.Value));
        // item 0: 0.9 right, 0.5 wrong, 0.5 right (equal mastery says nothing), 0.1 right: 1 of 2 pairs; item 1: 0.9 right, 0.1 wrong: 1 of 1
        foreach (var (item, mastery, answer) in new[] { (0, 0.9, 1), (0, 0.5, 0), (0, 0.5, 1), (0, 0.1, 1), (1, 0.9, 1), (1, 0.1, 0) }) { agreement.Add(7, item, mastery, answer); }
        Assert.Equal([new SkillAgreement(7, 2 / 3.0, 3)], agreement.BySkill());
        agreement.Add(8, 0, 0.3, 1); // a skill without a pair is not in the mean
        Assert.Equal(2 / 3.0, agreement.Value);
        Assert.True(double.IsNaN(agreement.BySkill()[1].Agreement));
        Assert.Contains("degree-of-agreement: mastery NaN", Assert.Throws<ArgumentException>(() => agreement.Add(0, 0, double.NaN, 1)).Message, StringComparison.Ordinal);
        Assert.Throws<ArgumentException>(() => agreement.Add(0, 0, 1, double.NaN));
        Assert.Throws<InvalidDataException>(() => agreement.LoadState(new StateDict().Set("skills", [1L]).Set("items", [1L]).Set("mastery", [1.0]).Set("answers", (double[])[]).Set("weights", [1.0])));

        Rng rng = new(3);
        DegreeOfAgreement one = new();
        RocAuc area = new();
        for (int l = 0; l < 20_000; l++) // two hundred million pairs
        {
            double mastery = rng.NextDouble();
            bool right = rng.NextDouble() < mastery;
            one.Add(0, 0, mastery, right ? 1 : 0);
            area.Add(mastery, right);
        }
        Assert.Equal(area.Value, one.Value, 1e-12);
    }
}
