namespace DeepEdu.Gpu;

/// <summary>An accelerator that was looked at: usable, or why not.</summary>
/// <param name="Kind">Through what it is reached: cuda, opencl, or cpu for ILGPU's stand-in.</param>
/// <param name="Name">Its own name; the kind's, where none was found.</param>
/// <param name="Problem">Why it cannot be used; null if it can.</param>
public sealed record GpuInfo(string Kind, string Name, string? Problem)
{
    /// <summary>Whether tensors can live there.</summary>
    public bool Usable => Problem is null;

    /// <inheritdoc/>
    public override string ToString() => $"{Kind}: {Name}: {Problem ?? "usable"}";
}
