using DeepEdu.Data;
using DeepEdu.Tensors;

namespace DeepEdu.Tests.Data;

public class NormaliserTests
{
    private static readonly float[] s_table = [1, 5, 2, 7, 4, 7, 8, 9, 16, 30];
    private static readonly int[] s_rows = [0, 1, 2, 3, 4];

    [Theory] // scikit-learn 1.2.1: StandardScaler, MinMaxScaler, RobustScaler
    [InlineData(Scaling.Standard, new[] { -0.9532062476387962, -0.7107053122190143, -0.7698973538621047, -0.4953400660920403, -0.4032795663087215, -0.4953400660920403, 0.3299560087980448, -0.27997481996506624, 1.7964271590115777, 1.9813602643681612 })]
    [InlineData(Scaling.MinMax, new[] { 0, 0, 0.06666666666666667, 0.08, 0.2, 0.08, 0.4666666666666667, 0.16, 1, 1 })]
    [InlineData(Scaling.Robust, new[] { -0.5, -1, -0.3333333333333333, 0, 0, 0, 0.6666666666666666, 1, 2, 11.5 })]
    public void ScalesAreThoseOfScikitLearn(Scaling scaling, double[] expected)
    {
        var fitted = Normaliser.Fit(s_table, 2, s_rows, scaling);
        float[] scaled = fitted.Apply(s_table);
        for (int i = 0; i < expected.Length; i++)
        {
            Assert.Equal(expected[i], scaled[i], 1e-6 * Math.Max(1, Math.Abs(expected[i]))); // one rounding to float32
            Assert.Equal(s_table[i], fitted.Invert(i % 2, scaled[i]), 1e-5); // the same, times the largest width
        }
    }

    [Fact]
    public void OnlyTheGivenRowsAreMeasured()
    {
        float[] other = [.. s_table];
        (other[8], other[9]) = (1000, float.NaN);
        int[] train = [0, 1, 2, 3];
        Assert.Equal(Normaliser.Fit(s_table, 2, train).Apply(s_table)[..8], Normaliser.Fit(other, 2, train).Apply(s_table)[..8]);
    }

    [Fact]
    public void MissingValuesAreFilledAndMarked()
    {
        float[] table = [1, 2, float.NaN, 9];
        var mean = Normaliser.Fit(table, 1, [0, 1, 2, 3], Scaling.MinMax, Missing.Mean, mark: true);
        Assert.Equal(2, mean.Width);
        Assert.Equal([0, 0, 0.125f, 0, 0.375f, 1, 1, 0], mean.Apply(table)); // mean 4 of 1, 2, 9
        Assert.Equal([0, 0.125f, 0.125f, 1], Normaliser.Fit(table, 1, [0, 1, 2, 3], Scaling.MinMax, Missing.Median).Apply(table));
        Assert.Contains("row 2, column 0 is missing", Assert.Throws<ArgumentException>(() => Normaliser.Fit(table, 1, [0, 2])).Message, StringComparison.Ordinal);
        var strict = Normaliser.Fit(table, 1, [0, 1]);
        Assert.Contains("row 2, column 0 is missing", Assert.Throws<ArgumentException>(() => strict.Apply(table)).Message, StringComparison.Ordinal);
        Assert.Contains("column 0 has no value", Assert.Throws<ArgumentException>(() => Normaliser.Fit(table, 1, [2], missing: Missing.Mean)).Message, StringComparison.Ordinal);
        Assert.Contains("infinite", Assert.Throws<ArgumentException>(() => Normaliser.Fit([float.PositiveInfinity], 1, [0])).Message, StringComparison.Ordinal);
        Assert.Contains("no rows", Assert.Throws<ArgumentException>(() => Normaliser.Fit(table, 1, [])).Message, StringComparison.Ordinal);
        Assert.Contains("4 values are not whole rows of 3", Assert.Throws<ShapeException>(() => strict.Apply([1]).Length + Normaliser.Fit(table, 3, [0]).Width).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void AConstantColumnBecomesZero()
    {
        foreach (var scaling in Enum.GetValues<Scaling>()) { Assert.Equal([0f, 0, 1], Normaliser.Fit([0.1f, 0.1f, 1.1f], 1, [0, 1], scaling).Apply([0.1f, 0.1f, 1.1f])); }
    }

    [Fact]
    public void WhatWasMeasuredIsSavedWithTheModel()
    {
        var state = new StateDict();
        var fitted = Normaliser.Fit(s_table, 2, s_rows, Scaling.Robust, Missing.Median, mark: true);
        fitted.SaveState(state.Part("scale"));
        var names = Categories.Fit(["b", "a", null, "", "b"]);
        names.SaveState(state.Part("names"));
        float[] table = [3, float.NaN, 4, 5];
        Assert.Equal(fitted.Apply(table), Normaliser.Load(state.Part("scale")).Apply(table));
        Assert.Equal(names.Names, Categories.Load(state.Part("names")).Names);
        Assert.Empty(state.Unread);
        Assert.Throws<InvalidDataException>(() => Normaliser.Load(new StateDict().Set("shift", [1.0]).Set("scale", [1.0, 2]).Set("fill", [0.0]).Set("mark", false)));
        Assert.Throws<InvalidDataException>(() => Categories.Load(new StateDict().Set("names", ["a", "a"])));
    }

    [Fact]
    public void NamesBecomeNumbersAndColumns()
    {
        var names = Categories.Fit(["b", "a", null, "", "b", "c"]);
        Assert.Equal(["a", "b", "c"], names.Names);
        Assert.Equal(4, names.Count);
        Assert.Equal([1, 2, 0, 0, 0], new[] { "a", "b", "z", null, "" }.Select(n => names[n]));
        float[] columns = [9, 9, 9];
        names.OneHot("b", columns);
        Assert.Equal([0f, 1, 0], columns);
        names.OneHot("never seen", columns);
        Assert.Equal([0f, 0, 0], columns);
        Assert.Equal(["b"], Categories.Fit(["b", "a", "b"], atLeast: 2).Names);
        Assert.Throws<ShapeException>(() => names.OneHot("b", columns.AsSpan(1)));
    }

    [Fact]
    public void LabelsOfCategoriesCountFromZero()
    {
        var species = Categories.Fit(["b", "a", "b"]);
        Assert.Equal((0, 1, "b"), (species.Label("a"), species.Label("b"), species.Names[1]));
        Assert.Contains("categories: \"c\" is none of the 2 names", Assert.Throws<ArgumentException>(() => species.Label("c")).Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(Scaling.Standard)]
    [InlineData(Scaling.MinMax)]
    [InlineData(Scaling.Robust)]
    public void ColumnsOfTinyNumbersAreScaledAsOthersAre(Scaling scaling)
    {
        float[] large = [0, 1, 2, 5], tiny = [.. large.Select(v => v * 1e-20f)];
        Assert.Equal(Normaliser.Fit(large, 1, [0, 1, 2, 3], scaling).Apply(large), Normaliser.Fit(tiny, 1, [0, 1, 2, 3], scaling).Apply(tiny), (a, b) => MathF.Abs(a - b) < 1e-6f);
        float[] same = [0.1f, 0.1f, 0.1f];
        Assert.Equal([0, 0, 0], Normaliser.Fit(same, 1, [0, 1, 2], scaling).Apply(same), (a, b) => MathF.Abs(a - b) < 1e-7f);
    }

    [Fact]
    public void RowsThatAreNotThereAreNamed()
    {
        Assert.Contains("normaliser: row 5 is none of the table's 2", Assert.Throws<ArgumentOutOfRangeException>(() => Normaliser.Fit([1, 2], 1, [0, 5])).Message, StringComparison.Ordinal);
        Assert.Contains("length-buckets: row 9 has no length; there are 2", Assert.Throws<ArgumentOutOfRangeException>(() => new LengthBuckets([0, 9], [1, 2], 1, new(1))).Message, StringComparison.Ordinal);
    }
}
