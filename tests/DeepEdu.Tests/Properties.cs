using System.Globalization;
using FsCheck;
using FsCheck.Fluent;
using Microsoft.FSharp.Core;

namespace DeepEdu.Tests;

/// <summary>Where all properties are checked: on the same cases in every run, so that a change alone decides whether it passes. <c>DEEPEDU_PROPERTIES=50</c> draws other cases, fifty times as many.</summary>
internal static class Properties
{
    private static readonly int s_more = int.Parse(Environment.GetEnvironmentVariable("DEEPEDU_PROPERTIES") ?? "0", CultureInfo.InvariantCulture);

    /// <summary>Throws, with the case and the seed, where the property does not hold.</summary>
    public static void Hold(this Property property) => Hold(100, property);

    /// <inheritdoc cref="Hold(Property)"/>
    public static void Hold(int cases, Property property)
    {
        var config = Config.QuickThrowOnFailure.WithMaxTest(cases * Math.Max(1, s_more));
        Check.One(s_more > 0 ? config : config.WithReplay(FSharpOption<Replay>.Some(new(new Rnd(20, 11), null))), property);
    }
}
