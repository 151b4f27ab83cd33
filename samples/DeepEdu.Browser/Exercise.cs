using DeepEdu.Numerics;

namespace DeepEdu.Browser;

/// <summary>Something to work out in one's head.</summary>
/// <param name="Skill">A place in <see cref="Skills"/>.</param>
/// <param name="Text">As it is shown.</param>
/// <param name="Answer">A whole number.</param>
internal sealed record Exercise(int Skill, string Text, int Answer)
{
    public static string[] Skills { get; } = ["addition", "subtraction", "multiplication", "division", "percentages"];

    /// <summary>One of a skill, drawn at random.</summary>
    public static Exercise Of(int skill, Rng draw)
    {
        int a = 11 + draw.Next(80), b = 11 + draw.Next(80), x = 3 + draw.Next(10), y = 3 + draw.Next(10);
        return skill switch
        {
            0 => new(skill, $"{a} + {b}", a + b),
            1 => new(skill, $"{a + b} − {b}", a),
            2 => new(skill, $"{x} × {y}", x * y),
            3 => new(skill, $"{x * y} ÷ {y}", x),
            _ => new(skill, $"{5 * x} % of {20 * y}", x * y),
        };
    }
}
