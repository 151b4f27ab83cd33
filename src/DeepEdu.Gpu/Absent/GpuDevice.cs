using DeepEdu.Devices;

namespace DeepEdu.Gpu;

/// <summary>What stands here when the package was built without ILGPU: no accelerator, and the reason.</summary>
public static class GpuDevice
{
    private const string Reason = "built without ILGPU; build with -p:EnableIlgpu=true (and -p:IlgpuFeed=FOLDER for a folder of packages)";

    /// <summary>Whether ILGPU is in this build.</summary>
    public static bool IsBuilt => false;

    /// <summary>Every accelerator that was looked for, with why it is usable or not.</summary>
    public static IReadOnlyList<GpuInfo> Doctor() => [new("ilgpu", "none", Reason)];

    /// <summary>The usable accelerators: none.</summary>
    public static IReadOnlyList<Device> All() => [];

    /// <summary>The fastest accelerator: there is none.</summary>
    /// <exception cref="NotSupportedException">Always.</exception>
    public static Device Best() => throw new NotSupportedException($"gpu: {Reason}");
}
