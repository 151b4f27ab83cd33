using DeepEdu.Data;
using DeepEdu.Numerics;

namespace DeepEdu.Tests.Data;

public class SplitTests
{
    private static readonly string[] s_students = [.. Enumerable.Range(0, 200).Select(i => $"student {i * i % 23}")];
    private static readonly int[] s_labels = [.. Enumerable.Range(0, 200).Select(i => i % 10 == 0 ? 1 : 0)];

    private static void IsWhole(Split split, int rows) => Assert.Equal(Enumerable.Range(0, rows), split.Train.Concat(split.Validation).Concat(split.Test).Order());

    [Fact]
    public void RandomSplitsTakeTheirSharesAndFollowTheSeed()
    {
        Split one = Split.Random(200, new Rng(1), 0.2, 0.1), two = Split.Random(200, new Rng(1), 0.2, 0.1);
        IsWhole(one, 200);
        Assert.Equal((140, 20, 40), (one.Train.Length, one.Validation.Length, one.Test.Length));
        Assert.Equal(one.Test, two.Test);
        Assert.NotEqual(one.Test, Split.Random(200, new Rng(2), 0.2, 0.1).Test);
    }

    [Fact]
    public void StratifiedPartsHoldEachClassInItsShare()
    {
        var split = Split.Stratified(s_labels, new Rng(1), 0.2, 0.1);
        IsWhole(split, 200);
        Assert.Equal((14, 2, 4), (split.Train.Count(r => s_labels[r] == 1), split.Validation.Count(r => s_labels[r] == 1), split.Test.Count(r => s_labels[r] == 1)));
    }

    [Fact]
    public void OfASmallClassOneRowIsLearnedFrom()
    {
        int[] labels = [0, 1, 1, 2, 2, 2];
        var split = Split.Stratified(labels, new Rng(1), 0.5, 0.4);
        IsWhole(split, 6);
        Assert.Equal([0, 1, 2], split.Train.Select(r => labels[r]).Order());
        Assert.Single(Split.Random(1, new Rng(1), 0.5).Train);
    }

    [Fact]
    public void GroupsStayWhole()
    {
        for (ulong seed = 0; seed < 20; seed++)
        {
            var split = Split.ByGroup<string>(s_students, new Rng(seed), 0.25, 0.15);
            IsWhole(split, 200);
            Assert.Empty(split.Train.Select(r => s_students[r]).Intersect(split.Test.Concat(split.Validation).Select(r => s_students[r])));
            Assert.Empty(split.Validation.Select(r => s_students[r]).Intersect(split.Test.Select(r => s_students[r])));
            Assert.InRange(split.Test.Length, 40, 60); // the largest group has 18 rows, so at most 9 off
        }
    }

    [Fact]
    public void ALeakNamesTheGroup()
    {
        string[] students = ["ada", "bo", "ada", "cy"];
        var leaky = new Split([0, 1], [2, 3]);
        Assert.Equal("split: group 'ada' is in training (row 0) and in test (row 2); split by group instead",
            Assert.Throws<LeakException>(() => leaky.RefuseSharedGroups<string>(students)).Message);
        var fine = new Split([0, 2], [1], [3]);
        Assert.Same(fine, fine.RefuseSharedGroups<string>(students));
        Assert.Contains("row 2 is in training and in validation", Assert.Throws<LeakException>(() => new Split([1, 2], [3], [2])).Message, StringComparison.Ordinal);
        Assert.Contains("row 1 is in training and in training", Assert.Throws<LeakException>(() => new Split([1, 1], [3])).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void TheFutureIsNotLearnedFrom()
    {
        long[] times = [5, 1, 3, 3, 9, 7, 3, 2];
        var split = Split.Temporal(times, 0.5);
        Assert.Equal([1, 7], split.Train.Order()); // times 1, 2: the three rows of time 3 stay together
        Assert.Equal([0, 2, 3, 4, 5, 6], split.Test.Order());
        var three = Split.Temporal(times, 0.25, 0.25);
        Assert.Equal([1, 7], three.Train.Order());
        Assert.Equal([0, 2, 3, 6], three.Validation.Order());
        Assert.Equal([4, 5], three.Test.Order());
        Assert.Contains("row 4 of training (time 9) is not before row 1 of test (time 1)", Assert.Throws<LeakException>(() => new Split([4, 0], [1, 2]).RefuseLaterTraining(times)).Message, StringComparison.Ordinal);
        Assert.Contains("too few different times", Assert.Throws<ArgumentException>(() => Split.Temporal([4, 4, 4, 4])).Message, StringComparison.Ordinal);
    }

    /// <summary>Each part lies before the next, wherever in it the earliest and the latest row stand; what is of one time is not before.</summary>
    [Theory]
    [InlineData(new long[] { 3, 3, 5 }, "row 0 of training (time 3) is not before row 1 of validation (time 3)")]
    [InlineData(new long[] { 1, 3, 3 }, "row 1 of validation (time 3) is not before row 2 of test (time 3)")]
    [InlineData(new long[] { 3, 4, 3 }, "row 0 of training (time 3) is not before row 2 of test (time 3)")]
    public void WhatIsOfOneTimeIsNotBefore(long[] times, string says) =>
        Assert.Contains(says, Assert.Throws<LeakException>(() => new Split([0], [2], [1]).RefuseLaterTraining(times)).Message, StringComparison.Ordinal);

    [Fact]
    public void TheLatestAndTheEarliestRowsOfPartsAreCompared()
    {
        long[] times = [1, 9, 2, 12, 8, 11];
        Assert.Contains("row 1 of training (time 9) is not before row 4 of test (time 8)", Assert.Throws<LeakException>(() => new Split([0, 1, 2], [3, 4, 5]).RefuseLaterTraining(times)).Message, StringComparison.Ordinal);
        var fine = new Split([0, 4, 2], [3, 5], [1]);
        Assert.Same(fine, fine.RefuseLaterTraining(times));
        Assert.Contains("too few different times to learn from the earliest", Assert.Throws<ArgumentException>(() => Split.Temporal([1, 2, 2, 2, 2], 0.2, 0.4)).Message, StringComparison.Ordinal);
        Assert.Equal(([0, 1], [2], [3]), (Split.Temporal([1, 2, 3, 4], 0.25, 0.25).Train, Split.Temporal([1, 2, 3, 4], 0.25, 0.25).Validation, Split.Temporal([1, 2, 3, 4], 0.25, 0.25).Test), new Parts());
        Assert.Empty(Split.Temporal([], 0.2).Train);
    }

    private sealed class Parts : IEqualityComparer<(int[], int[], int[])>
    {
        public bool Equals((int[], int[], int[]) a, (int[], int[], int[]) b) => a.Item1.SequenceEqual(b.Item1) && a.Item2.SequenceEqual(b.Item2) && a.Item3.SequenceEqual(b.Item3);

        public int GetHashCode((int[], int[], int[]) x) => 0;
    }

    [Fact]
    public void PartsAreDrawnAtRandomAndHaveTheirShares()
    {
        int[] seeds = [1, 2, 3, 4];
        Assert.Equal(4, seeds.Select(s => string.Join(' ', Split.Stratified(s_labels, new Rng((ulong)s)).Test.Order())).Distinct().Count());
        Assert.Equal(4, seeds.Select(s => string.Join(' ', Split.ByGroup<string>(s_students, new Rng((ulong)s)).Test.Order())).Distinct().Count());
        for (ulong seed = 0; seed < 20; seed++) { Assert.InRange(Split.ByGroup<string>(s_students, new Rng(seed), 0.25, 0.25).Validation.Length, 40, 60); } // 50, of groups of up to 18
        var halves = Split.ByGroup<int>([1, 2, 3, 4], new Rng(1), 0.5, 0.25); // to the row
        Assert.Equal((1, 1, 2), (halves.Train.Length, halves.Validation.Length, halves.Test.Length));
        Assert.Equal((1, 0, 1), (Split.Random(2, new Rng(1), 0.9).Train.Length, 0, Split.Random(2, new Rng(1), 0.9).Test.Length));
        foreach (var wrong in (Func<Split>[])[() => Split.Stratified(s_labels, new Rng(1), 0.7, 0.4), () => Split.ByGroup<string>(s_students, new Rng(1), 0.7, 0.4), () => Split.Temporal([1, 2, 3], 0.7, 0.4), () => Split.Random(9, new Rng(1), 0.7, 0.4)])
        {
            Assert.Contains("shares 0.7 for test and 0.4 for validation", Assert.Throws<ArgumentOutOfRangeException>(wrong).Message, StringComparison.Ordinal);
        }
        Assert.Throws<ArgumentOutOfRangeException>(() => Split.Random(9, new Rng(1), -0.1));
        Assert.Throws<ArgumentOutOfRangeException>(() => Split.Random(9, new Rng(1), 0.1, -0.1));
        Assert.Contains("6 groups for 1 times", Assert.Throws<ArgumentException>(() => Split.LastOfGroup<int>([1, 1, 2, 1, 3, 2], [1])).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void TheLastOfEachLearnerIsHeldOut()
    {
        int[] users = [1, 1, 2, 1, 3, 2];
        long[] times = [10, 30, 5, 20, 7, 5];
        var split = Split.LastOfGroup<int>(users, times, validation: true);
        Assert.Equal([1, 5], split.Test.Order()); // of equal times the later row
        Assert.Equal([3], split.Validation);
        Assert.Equal([0, 2, 4], split.Train.Order());
        Assert.Throws<ArgumentException>(() => Split.LastOfGroup<int>(users, [1]));
    }

    public static TheoryData<string> Kinds => ["k-fold", "k-fold shuffled", "stratified", "stratified shuffled", "group", "group shuffled", "leave one out", "leave one group out"];

    [Theory, MemberData(nameof(Kinds))]
    public void EveryRowIsTestedOnce(string kind)
    {
        var folds = kind switch
        {
            "k-fold" => Folds.KFold(200, 7),
            "k-fold shuffled" => Folds.KFold(200, 7, new Rng(1)),
            "stratified" => Folds.Stratified(s_labels, 7),
            "stratified shuffled" => Folds.Stratified(s_labels, 7, new Rng(1)),
            "group" => Folds.ByGroup<string>(s_students, 7),
            "group shuffled" => Folds.ByGroup<string>(s_students, 7, new Rng(1)),
            "leave one out" => Folds.LeaveOneOut(200),
            _ => Folds.LeaveOneGroupOut<string>(s_students),
        };
        Assert.Equal(Enumerable.Range(0, 200), folds.SelectMany(f => f.Test).Order());
        Assert.All(folds, f => IsWhole(f, 200));
        if (kind.StartsWith("k-fold", StringComparison.Ordinal)) { Assert.All(folds, f => Assert.InRange(f.Test.Length, 28, 29)); }
        if (kind.StartsWith("stratified", StringComparison.Ordinal)) { Assert.All(folds, f => Assert.InRange(f.Test.Count(r => s_labels[r] == 1), 2, 3)); } // 20 rows over 7 folds
        if (kind.Contains("group", StringComparison.Ordinal)) { Assert.All(folds, f => f.RefuseSharedGroups<string>(s_students)); }
        if (kind == "group") { Assert.All(folds, f => Assert.InRange(f.Test.Length, 18, 40)); } // 200 / 7 = 28.6, the groups have up to 18 rows
        if (kind == "leave one out") { Assert.All(folds, f => Assert.Single(f.Test)); }
    }

    [Fact]
    public void FoldsInTimeGrow()
    {
        long[] times = [.. Enumerable.Range(0, 40).Select(i => (long)(i / 3))];
        var folds = Folds.Temporal(times, 3);
        Assert.All(folds, f => f.RefuseLaterTraining(times));
        Assert.Equal([12, 21, 30], folds.Select(f => f.Train.Length)); // 10, 20, 30, moved on to where a time ends
        Assert.Equal([9, 9, 10], folds.Select(f => f.Test.Length));
    }

    [Fact]
    public void FoldsThatCannotBeAreRefused()
    {
        Assert.Contains("1 folds of 5 rows; take 2..5", Assert.Throws<ArgumentOutOfRangeException>(() => Folds.KFold(5, 1)).Message, StringComparison.Ordinal);
        Assert.Contains("3 folds of 2 groups", Assert.Throws<ArgumentOutOfRangeException>(() => Folds.ByGroup<string>(["a", "b", "a"], 3)).Message, StringComparison.Ordinal);
        Assert.Contains("class 1 has 1 rows for 2 folds", Assert.Throws<ArgumentException>(() => Folds.Stratified([0, 0, 1], 2)).Message, StringComparison.Ordinal);
        Assert.Throws<ArgumentException>(() => Folds.Temporal([1, 1, 1, 1, 2], 3));
        Assert.Throws<ArgumentOutOfRangeException>(() => Split.Random(10, new Rng(1), 0.7, 0.3));
        Assert.Throws<ArgumentOutOfRangeException>(() => Split.Random(10, new Rng(1), double.NaN));
    }

    [Fact]
    public void GroupsThatLeaveNothingToLearnFromAreRefused() =>
        Assert.Contains("2 groups are too few", Assert.Throws<ArgumentException>(() => Split.ByGroup<int>([1, 1, 2, 2], new Rng(1), test: 0.5, validation: 0.4)).Message, StringComparison.Ordinal);
}
