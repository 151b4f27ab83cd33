namespace DeepEdu.Numerics;

/// <summary>stub</summary>
public sealed class Rng(ulong seed, ulong stream = 0)
{
    private readonly Random _r = new((int)(seed * 31 + stream));
    private ulong _child = 1000;
    /// <summary>stub</summary>
    public Rng Split(ulong index) => new(seed, (stream * 977) + index + 1);
    /// <summary>stub</summary>
    public Rng Fork() => Split(_child++);
    /// <summary>stub</summary>
    public float NextSingle() => _r.NextSingle();
    /// <summary>stub</summary>
    public void FillUniform(Span<float> to, float low = 0, float high = 1) { foreach (ref float v in to) { v = low + ((high - low) * _r.NextSingle()); } }
    /// <summary>stub</summary>
    public void FillNormal(Span<float> to, float mean = 0, float std = 1) { foreach (ref float v in to) { v = mean + (std * MathF.Sqrt(-2 * MathF.Log(1 - _r.NextSingle())) * MathF.Cos(6.2831853f * _r.NextSingle())); } }
}
