using System.Globalization;
using System.Text.Json;
using DeepEdu.Tensors;
using DeepEdu.Tests.House;

namespace DeepEdu.Tests.Tensors;

/// <summary>Texts that PyTorch wrote (tests/golden/printing.py).</summary>
public class PrintingTests
{
    private static readonly JsonElement[] s_cases =
        JsonSerializer.Deserialize<JsonElement[]>(File.ReadAllText(Path.Combine(Repository.Root, "tests", "DeepEdu.Tests", "Golden", "printing.json")))!;

    public static TheoryData<string> Names => [.. s_cases.Select(c => c.GetProperty("name").GetString()!)];

    [Theory, MemberData(nameof(Names))]
    public void PrintsAsPyTorchDoes(string name)
    {
        var c = s_cases.Single(c => c.GetProperty("name").GetString() == name);
        Shape shape = Shape.Create([.. c.GetProperty("shape").EnumerateArray().Select(n => n.GetInt32())]);
        float[] values = [.. c.GetProperty("values").GetString()!.Split(' ', StringSplitOptions.RemoveEmptyEntries).Select(Number)];
        Assert.Equal(c.GetProperty("text").GetString(), Tensor.Of(shape, values).ToString());
    }

    [Fact]
    public void ACultureWithCommasChangesNothing()
    {
        var before = CultureInfo.CurrentCulture;
        var commas = (CultureInfo)CultureInfo.InvariantCulture.Clone();
        commas.NumberFormat.NumberDecimalSeparator = ",";
        commas.NumberFormat.NegativeSign = "~";
        try
        {
            CultureInfo.CurrentCulture = commas;
            Assert.Equal("tensor([-1.5000,  2.0000])", Tensor.Of(-1.5f, 2).ToString());
            Assert.Equal("tensor([-1.5000e+00,  2.0000e-05])", Tensor.Of(-1.5f, 2e-5f).ToString());
        }
        finally { CultureInfo.CurrentCulture = before; }
    }

    [Fact]
    public void IndicesShowTheirFirstValues() => Assert.Equal("int32[2,5] (0, 1, 2, 3, 4, 5, 6, 7, …)", Indices.Arange(10).Reshape([2, 5]).ToString());

    private static float Number(string text) => text switch
    {
        "nan" => float.NaN,
        "inf" => float.PositiveInfinity,
        "-inf" => float.NegativeInfinity,
        _ => float.Parse(text, CultureInfo.InvariantCulture),
    };
}
