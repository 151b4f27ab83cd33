using DeepEdu.Education.Models;
using DeepEdu.Education.Report;
using DeepEdu.Education.Tasks;
using DeepEdu.Numerics;
using DeepEdu.Tensors;

namespace DeepEdu.Tests.Education;

/// <summary>Essays that are unlike those learned from.</summary>
public sealed class EssayOdditiesTests
{
    // sentences of 600 words of Zipf's frequencies, each word followed by one of eight, so that order tells
    private static List<string> Essay(Rng rng, int length)
    {
        List<string> words = [];
        for (int at = 0; words.Count < length;)
        {
            if (words.Count % 3 == 2) { words.Add($"f{(char)('a' + rng.Next(10))}"); }
            at = ((at * 7) + 1 + (rng.Next(8) * rng.Next(8))) % 600;
            words.Add($"w{(char)('a' + (at / 26))}{(char)('a' + (at % 26))}");
        }
        return words;
    }

    private static List<string>[] Essays(ulong seed, int count)
    {
        Rng rng = new(seed);
        return [.. Enumerable.Range(0, count).Select(_ => Essay(rng, rng.Next(120, 300)))];
    }

    [Fact]
    public void WhatIsOddIsNamedAndHonestEssaysAreNot()
    {
        List<string>[] learned = Essays(1, 400), honest = Essays(2, 200);
        EssayOddities odd = EssayOddities.Fit(learned)!;
        Assert.InRange(honest.Count(e => odd.Of(e).Length > 0), 0, 10); // six tails of one in four hundred
        List<string> one = honest.First(e => odd.Of(e).Length == 0);
        Rng rng = new(3);
        Assert.Contains("much too short", odd.Of([.. one.Take(12)]));
        Assert.Equal(["much too short", "unknown words", "keywords alone"], odd.Of(["zzz"])); // one word is in order
        Assert.Contains("repeats itself", odd.Of([.. Enumerable.Repeat(one.Take(50), 4).SelectMany(w => w)]));
        Assert.Contains("unknown words", odd.Of([.. one.Select(w => w + "q")]));
        List<string> mixed = [.. one];
        rng.Shuffle(System.Runtime.InteropServices.CollectionsMarshal.AsSpan(mixed));
        Assert.Contains("words in no order", odd.Of(mixed));
        Assert.Contains("keywords alone", odd.Of([.. one.Where(w => !odd.IsFunctionWord(w))]));
        Assert.Equal(["copied"], odd.Of(learned.First(e => e.Count > 150)));
        Assert.Contains("copied", odd.Of([.. one.Take(100), .. learned[0].Take(100)]));
        Assert.NotEmpty(odd.Of([]));
    }

    [Fact]
    public void WhatWasLearnedComesBackFromItsState()
    {
        List<string>[] learned = Essays(4, 60);
        EssayOddities odd = EssayOddities.Fit(learned)!;
        StateDict state = new();
        odd.SaveState(state);
        EssayOddities back = EssayOddities.Load(state);
        foreach (List<string> essay in (List<string>[])[.. Essays(5, 40), .. learned, ["x"], []]) { Assert.Equal(odd.Of(essay), back.Of(essay)); }
        Assert.Null(EssayOddities.Fit(learned[..29]));
    }

    [Fact]
    public void AttacksAreCountedByKind()
    {
        List<string>[] learned = Essays(6, 300), tests = Essays(7, 50);
        EssayAttacks attacks = new();
        Assert.True(double.IsNaN(attacks.Odd));
        attacks.Add(EssayOddities.Fit(learned)!, tests, learned, made => made.Select(m => (double)m.Count), new Rng(1));
        Assert.InRange(attacks.Odd, 0, 0.1);
        ReportTable table = attacks.Table;
        Assert.Equal("honest essays", table.Rows[0][0]);
        Assert.Equal(ResultTable.Number(tests.Average(t => t.Count)), table.Rows[0][3]); // what the network gives, here the length
        Assert.All(table.Rows, r => Assert.Equal("50", r[1]));
        Assert.All(table.Rows.Skip(1), r => Assert.True(double.Parse(r[2], System.Globalization.CultureInfo.InvariantCulture) > 0.9, string.Join(' ', r)));
    }
}
