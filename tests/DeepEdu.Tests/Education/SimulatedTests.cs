using DeepEdu.Education.Baselines;
using DeepEdu.Education.Data;
using DeepEdu.Education.Data.Simulated;
using DeepEdu.Education.Text;
using DeepEdu.Metrics;

namespace DeepEdu.Tests.Education;

/// <summary>Simulated data hold the truth they plant, and the text rules hold.</summary>
public class SimulatedTests
{
    [Fact]
    public void RecommenderKeepsTheProtocolAndTheSeed()
    {
        SimulatedRecommender a = SimulatedRecommender.Create(3, 60), b = SimulatedRecommender.Create(3, 60), c = SimulatedRecommender.Create(4, 60);
        Assert.Equal(a.Data.Test, b.Data.Test);
        Assert.NotEqual(a.Data.Test, c.Data.Test);
        for (int u = 0; u < a.Data.Users; u++)
        {
            int[] all = [.. a.Data.Train[u], a.Data.Test[u], .. a.Data.Negatives[u]];
            Assert.Equal(99, a.Data.Negatives[u].Length);
            Assert.Equal(all.Length, all.Distinct().Count());
        }
    }

    [Fact]
    public void PlantedUtilityRanksBetterThanPopularityWhichIsBetterThanChance()
    {
        SimulatedRecommender made = SimulatedRecommender.Create(5, 300);
        LeaveOneOutRanking truth = new();
        for (int u = 0; u < made.Data.Users; u++)
        {
            float Utility(int item) => made.Utility[u * made.Data.Items + item];
            truth.Add(Utility(made.Data.Test[u]), [.. made.Data.Negatives[u].Select(Utility)]);
        }
        Popularity popularity = new();
        popularity.Fit(made.Data, new NoProgress(), default);
        double popular = Ranking.Evaluate(popularity, made.Data, Ties.Expected).HitRate;
        Assert.True(truth.HitRate > popular + 0.2, $"truth {truth.HitRate}, popularity {popular}");
        Assert.True(popular > 0.15, $"popularity {popular}, chance is 0.1");
    }

    [Fact]
    public void LearnerOutcomesFollowThePlantedCauses()
    {
        LearnerTable table = SimulatedLearners.Create(1, 4000);
        double[] correct = Column("correct"), time = Column("time"), dropout = Column("dropout");
        Assert.InRange(correct.Average(), 0.4, 0.55);
        Assert.InRange(dropout.Average(), 0.25, 0.42);
        Assert.InRange(time.Average(), 2.95, 3.05);
        Assert.True(Correlation.Pearson(correct, time) < -0.2); // ability makes right and quick
        Assert.True(Correlation.Pearson(correct, dropout) < -0.05);
        double[] noise = [.. Enumerable.Range(0, table.Rows).Select(r => (double)table[r][15])];
        Assert.InRange(Correlation.Pearson(noise, time), -0.06, 0.06); // under 4 standard errors of 1/√4000

        double[] Column(string name) => [.. table.Targets[name].Select(v => (double)v)];
    }

    [Fact]
    public void SumsAreRightExactlyWhenTheDigitsSaySo()
    {
        ImageSet digits = Digits.Load();
        HandwrittenSum[] sums = HandwrittenSums.Create(digits, 500, 2);
        foreach (HandwrittenSum sum in sums)
        {
            int written = sum.Answer.Aggregate(0, (n, place) => 10 * n + digits.Labels[place]);
            Assert.Equal(sum.Right, written == sum.A + sum.B);
        }
        Assert.InRange(sums.Count(s => s.Right), 300, 400); // two thirds and a few lucky draws
    }

    [Fact]
    public void TokensFollowTheEssayProtocol()
    {
        Assert.Equal(["dear", "@caps", "@caps", ",", "i", "do", "n't", "have", "<num>", "friends", "!!!", "it", "'s", "well-known"],
            EssayWords.Split("Dear @CAPS1 @CAPS12, I don't have 1,200.5 friends!!! It's well-known"));
        Assert.Empty(EssayWords.Split(" \t"));
    }

    [Fact]
    public void RidgeFindsALinearRule()
    {
        float[][] rows = [.. Enumerable.Range(0, 50).Select(i => new float[] { i % 7, i % 11, 1 })];
        Ridge ridge = new(rows, [.. rows.Select(r => 2 * r[0] - r[1] + 4)], 1e-3f);
        Assert.Equal(2 * 3 - 5 + 4, ridge.Predict([3, 5, 1]), 1e-3f); // the shrinkage of λ = 0.001 on 50 rows
    }
}
